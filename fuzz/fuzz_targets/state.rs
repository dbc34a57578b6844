//! Images of the state and operations on them, both as any bytes.
//!
//! The first byte is the length of the image; the operations follow. Whatever is let through is an image again, and
//! applying the operations one after the other is the same as all at once.

#![no_main]

use bytes::Bytes;
use greenroom_core::image::StateImage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((len, rest)) = input.split_first() else {
        return;
    };
    let (image, operations) = rest.split_at(usize::from(*len).min(rest.len()));
    let operations = Bytes::copy_from_slice(operations);
    apply(StateImage::empty(), &operations);
    let bytes = Bytes::copy_from_slice(image);
    if let Ok(image) = StateImage::decode(bytes.clone()) {
        assert_eq!(image.encode(), Some(bytes));
        apply(image, &operations);
    }
});

fn apply(mut image: StateImage, operations: &Bytes) {
    if image.apply(operations).is_err() {
        return;
    }
    let Some(encoded) = image.encode() else {
        assert!(operations.is_empty(), "operations need a root");
        return;
    };
    let again = StateImage::decode(encoded.clone()).expect("an image can be read back");
    assert_eq!(again.encode(), Some(encoded));
}
