//! Receipt handles: which receive of which message in which queue.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::message::Seq;

/// First byte of every handle, so that other Base64 text is not one.
const VERSION: u8 = 1;

/// One receive of one message. The next receive of the message makes it stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The message.
    pub(crate) seq: Seq,
    /// How often the message had been received, this time included.
    pub(crate) receive_count: u32,
}

impl Receipt {
    /// The handle, opaque to callers. `queue` is the queue's own number: a
    /// handle is of no use in another queue, or after the queue was recreated.
    pub(crate) fn to_handle(self, queue: u64) -> String {
        let mut bytes = [VERSION; 21];
        bytes[1..9].copy_from_slice(&queue.to_be_bytes());
        bytes[9..17].copy_from_slice(&self.seq.to_be_bytes());
        bytes[17..].copy_from_slice(&self.receive_count.to_be_bytes());
        STANDARD.encode(bytes)
    }

    /// Reads a handle that `queue` gave out.
    pub(crate) fn from_handle(handle: &str, queue: u64) -> Option<Self> {
        let mut bytes = [0; 21];
        let length = STANDARD.decode_slice(handle, &mut bytes).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (of_queue, rest) = rest.split_first_chunk()?;
        let (seq, count) = rest.split_first_chunk()?;
        let ours =
            length == bytes.len() && *version == VERSION && u64::from_be_bytes(*of_queue) == queue;
        ours.then_some(Self {
            seq: u64::from_be_bytes(*seq),
            receive_count: u32::from_be_bytes(count.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_good_in_its_own_queue_only() {
        let receipt = Receipt { seq: 7, receive_count: 3 };
        let handle = receipt.to_handle(42);
        assert_eq!(Receipt::from_handle(&handle, 42), Some(receipt));
        assert_eq!(Receipt::from_handle(&handle, 43), None);
        for wrong in ["", "nonsense", &handle[..24], &format!("{handle}{handle}")] {
            assert_eq!(Receipt::from_handle(wrong, 42), None, "{wrong}");
        }
    }
}
