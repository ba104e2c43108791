//! Amazon SQS.

mod batches;
mod fifo;
mod messages;
mod queues;
mod receiving;
mod redrive;
mod visibility;
