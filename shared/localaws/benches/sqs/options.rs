//! What is measured, by the command line.

use std::path::PathBuf;

/// What to do.
pub(crate) enum Options {
    /// Be the endpoint over this folder.
    Serve(PathBuf),
    /// Measure one.
    Measure(Measure),
}

/// What is measured.
pub(crate) struct Measure {
    /// An endpoint that runs already.
    pub(crate) url: Option<String>,
    /// Its process, if its memory is to be measured.
    pub(crate) pid: Option<u32>,
    /// Messages queued.
    pub(crate) backlogs: Vec<usize>,
    /// Messages each backlog is measured over.
    pub(crate) messages: usize,
    /// Bytes of a body.
    pub(crate) body: usize,
    /// Message groups; none of a standard queue that is not to be fair.
    pub(crate) groups: Option<usize>,
    /// Whether the queue is a FIFO queue.
    pub(crate) fifo: bool,
}

impl Options {
    /// Reads the command line. What cargo adds to it is passed over.
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut options = Measure {
            url: None,
            pid: None,
            backlogs: vec![100, 100_000, 1_000_000],
            messages: 20_000,
            body: 200,
            groups: None,
            fifo: false,
        };
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_else(|| panic!("{name} has no value"));
            match name.as_str() {
                "--bench" => {}
                "--serve" => return Self::Serve(value().into()),
                "--url" => options.url = Some(value()),
                "--pid" => options.pid = Some(value().parse().unwrap()),
                "--messages" => options.messages = value().parse().unwrap(),
                "--body" => options.body = value().parse().unwrap(),
                "--groups" => options.groups = Some(value().parse().unwrap()),
                "--fifo" => options.fifo = true,
                "--backlogs" => {
                    options.backlogs =
                        value().split(',').map(|backlog| backlog.parse().unwrap()).collect();
                }
                _ => panic!("there is no option {name}"),
            }
        }
        if options.fifo {
            options.groups.get_or_insert(100);
        }
        Self::Measure(options)
    }
}
