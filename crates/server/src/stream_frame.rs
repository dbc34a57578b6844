//! The parts of a stream as messages to its client.

use greenroom_core::StreamPart;
use greenroom_types::protocol::ServerFrame;

/// The message that carries `part` of the stream that the client knows by `id`.
pub(crate) fn stream_frame(id: u64, part: &StreamPart) -> ServerFrame<'_> {
    match part {
        StreamPart::Start => ServerFrame::StreamStart { id },
        StreamPart::Item(item) => ServerFrame::StreamItem { id, item },
        StreamPart::End => ServerFrame::StreamEnd { id },
    }
}
