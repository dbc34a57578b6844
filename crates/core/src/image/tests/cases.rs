//! One table for what operations do, one for what they refuse, one for what is no image.

use bytes::Bytes;
use greenroom_types::limits;

use super::{
    super::{ImageError, StateImage},
    array, blob, int, ints, map, object, op, set, tagged, text,
};

fn apply(image: Vec<u8>, operation: Bytes) -> Result<Bytes, ImageError> {
    let mut state = StateImage::decode(image.into())?;
    state.apply(&operation)?;
    Ok(state.encode().expect("an image has a root"))
}

#[test]
fn operations_do_what_they_say() {
    let root = array(&[]);
    let at = |steps: &[Vec<u8>]| array(steps);
    let user = object(&[(text("name"), text("ada")), (text("age"), int(36))]);
    let letters = || array(&[text("a"), text("b"), text("c"), text("d")]);
    let pairs = map(&[(int(1), text("one")), (text("1"), text("text"))]);
    let members = set(&[int(1), text("x")]);
    let bigint = vec![0x1b, 0, 0, 0, 0, 0, 0, 0, 1];
    let lone_surrogate = tagged(60001, blob(&[0x3d, 0xd8]));
    let cases: Vec<(&str, Vec<u8>, Bytes, Vec<u8>)> = vec![
        (
            "set an existing property in its place",
            user.clone(),
            op(0, &[root.clone(), text("name"), text("eve")]),
            object(&[(text("name"), text("eve")), (text("age"), int(36))]),
        ),
        (
            "set a new property at the end",
            user.clone(),
            op(0, &[root.clone(), text("id"), vec![0xf7]]),
            object(&[
                (text("name"), text("ada")),
                (text("age"), int(36)),
                (text("id"), vec![0xf7]),
            ]),
        ),
        (
            "set a property whose key is an ill-formed string",
            object(&[]),
            op(0, &[root.clone(), lone_surrogate.clone(), int(1)]),
            object(&[(lone_surrogate, int(1))]),
        ),
        (
            "set an element",
            letters(),
            op(0, &[root.clone(), int(1), int(9)]),
            array(&[text("a"), int(9), text("c"), text("d")]),
        ),
        (
            "set an entry of a Map, telling a number from a bigint",
            pairs.clone(),
            op(0, &[root.clone(), bigint.clone(), text("big")]),
            map(&[
                (int(1), text("one")),
                (text("1"), text("text")),
                (bigint, text("big")),
            ]),
        ),
        (
            "delete a property",
            user.clone(),
            op(1, &[root.clone(), text("name")]),
            object(&[(text("age"), int(36))]),
        ),
        (
            "delete what is not there",
            user.clone(),
            op(1, &[root.clone(), text("nope")]),
            user.clone(),
        ),
        (
            "delete an entry of a Map",
            pairs.clone(),
            op(1, &[root.clone(), int(1)]),
            map(&[(text("1"), text("text"))]),
        ),
        (
            "delete a member of a Set",
            members.clone(),
            op(1, &[root.clone(), text("x")]),
            set(&[int(1)]),
        ),
        (
            "append",
            ints(&[1]),
            op(2, &[root.clone(), ints(&[2, 3])]),
            ints(&[1, 2, 3]),
        ),
        (
            "splice",
            letters(),
            op(3, &[root.clone(), int(1), int(2), ints(&[7, 8, 9])]),
            array(&[text("a"), int(7), int(8), int(9), text("d")]),
        ),
        (
            "splice at the end",
            ints(&[1]),
            op(3, &[root.clone(), int(1), int(0), ints(&[2])]),
            ints(&[1, 2]),
        ),
        (
            "rearrange upwards, downwards and with copies",
            letters(),
            op(4, &[root.clone(), ints(&[2, 2, 1, -2, 0, 1, 3, 0])]),
            array(&[text("c"), text("d"), text("b"), text("a"), text("a")]),
        ),
        (
            "rearrange to nothing",
            letters(),
            op(4, &[root.clone(), ints(&[])]),
            array(&[]),
        ),
        (
            "add a member",
            members.clone(),
            op(5, &[root.clone(), int(2)]),
            set(&[int(1), text("x"), int(2)]),
        ),
        (
            "add a member that is there",
            members.clone(),
            op(5, &[root.clone(), int(1)]),
            members.clone(),
        ),
        (
            "clear a Map",
            pairs.clone(),
            op(6, std::slice::from_ref(&root)),
            map(&[]),
        ),
        (
            "clear a Set",
            members.clone(),
            op(6, std::slice::from_ref(&root)),
            set(&[]),
        ),
        (
            "replace the root",
            members.clone(),
            op(7, &[int(5)]),
            int(5),
        ),
        (
            "follow a path through every kind of container",
            object(&[(
                text("list"),
                array(&[int(0), map(&[(vec![0xf6], members.clone())])]),
            )]),
            op(5, &[at(&[text("list"), int(1), vec![0xf6]]), int(7)]),
            object(&[(
                text("list"),
                array(&[
                    int(0),
                    map(&[(vec![0xf6], set(&[int(1), text("x"), int(7)]))]),
                ]),
            )]),
        ),
    ];
    for (claim, image, operation, expected) in cases {
        assert_eq!(
            apply(image, operation).as_deref(),
            Ok(&*expected),
            "{claim}"
        );
    }
}

#[test]
fn operations_that_do_not_apply_are_refused() {
    let root = array(&[]);
    let image = || {
        object(&[
            (text("list"), ints(&[1, 2])),
            (text("set"), set(&[])),
            (text("leaf"), int(1)),
        ])
    };
    let list = array(&[text("list")]);
    let set_path = array(&[text("set")]);
    let leaf = array(&[text("leaf")]);
    let deep = (0..limits::NESTING).fold(int(1), |inner, _| array(&[inner]));
    let cases: Vec<(Bytes, &str)> = vec![
        (
            op(0, &[array(&[text("nope")]), text("x"), int(1)]),
            "step 0 of the path does not exist",
        ),
        (
            op(0, &[array(&[text("list"), int(2)]), text("x"), int(1)]),
            "step 1 of the path does not exist",
        ),
        (
            op(0, &[array(&[text("leaf"), int(2)]), text("x"), int(1)]),
            "step 1 of the path does not exist",
        ),
        (
            op(0, &[array(&[text("list"), text("0")]), text("x"), int(1)]),
            "an array takes no such step",
        ),
        (
            op(0, &[array(&[text("set"), int(0)]), text("x"), int(1)]),
            "cannot go into a Set",
        ),
        (
            op(0, &[leaf, text("x"), int(1)]),
            "cannot change a part of a leaf",
        ),
        (
            op(0, &[root.clone(), int(1), int(1)]),
            "an object takes no such key",
        ),
        (
            op(0, &[list.clone(), int(2), int(1)]),
            "elements 2..3 of an array with 2",
        ),
        (
            op(0, &[set_path.clone(), int(2), int(1)]),
            "cannot set an entry of a Set",
        ),
        (
            op(0, &[root.clone(), text("deep"), deep.clone()]),
            "the state would be nested 129 deep, limit is 128",
        ),
        (
            op(1, &[list.clone(), int(0)]),
            "cannot delete from an array",
        ),
        (
            op(2, &[root.clone(), ints(&[1])]),
            "cannot append to an object",
        ),
        (
            op(3, &[list.clone(), int(1), int(2), ints(&[])]),
            "elements 1..3 of an array with 2",
        ),
        (
            op(4, &[list.clone(), ints(&[1, 2])]),
            "elements 1..3 of an array with 2",
        ),
        (
            op(4, &[list.clone(), ints(&[1, -3])]),
            "elements 0..3 of an array with 2",
        ),
        (
            op(4, &[list.clone(), ints(&[2, -1])]),
            "elements 2..3 of an array with 2",
        ),
        (
            op(4, &[list.clone(), ints(&[2])]),
            "a run without a length at byte 15",
        ),
        (
            op(4, &[list.clone(), array(&[int(0), text("1")])]),
            "expected a number of elements at byte 17",
        ),
        (
            op(5, &[root.clone(), int(1)]),
            "cannot add a member to an object",
        ),
        (
            op(5, &[set_path.clone(), ints(&[1])]),
            "a Set takes no such member",
        ),
        (op(6, &[list]), "cannot clear an array"),
        (op(8, &[int(1)]), "unknown opcode 8"),
        (op(7, &[]), "opcode 7 takes 1 fields, got 0"),
        (
            op(5, &[set_path, int(1), int(1)]),
            "opcode 5 takes 2 fields, got 3",
        ),
        (
            Bytes::from_static(&[0x80]),
            "an operation without an opcode at byte 7",
        ),
        (Bytes::from_static(&[0x01]), "expected an array at byte 7"),
        (
            Bytes::from_static(&[0x82, 7]),
            "the item ends early at byte 8",
        ),
    ];
    for (operation, expected) in cases {
        let good = op(0, &[root.clone(), text("x"), int(1)]);
        let error = apply(image(), [good, operation].concat().into()).expect_err(expected);
        assert_eq!(error.to_string(), format!("state operation 1: {expected}"));
    }
}

#[test]
fn state_begins_with_its_root() {
    let mut image = StateImage::empty();
    assert_eq!(image.encode(), None);
    let error = image
        .apply(&op(6, &[array(&[])]))
        .expect_err("there is no root");
    assert_eq!(
        error.to_string(),
        "state operation 0: there is no state to change"
    );
    image
        .apply(&op(7, &[object(&[])]))
        .expect("the root can be set");
    assert_eq!(image.encode().as_deref(), Some(&[0xa0][..]));
}

#[test]
fn what_is_no_image_is_refused() {
    let deep = (0..=limits::NESTING).fold(int(1), |inner, _| array(&[inner]));
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (vec![], "the item ends early at byte 0"),
        (vec![0x01, 0x02], "something after the end at byte 1"),
        (vec![0x9f, 0xff], "an item of indefinite length at byte 0"),
        (
            vec![0x9b, 0, 0, 1, 0, 0, 0, 0, 0, 1],
            "the item ends early at byte 10",
        ),
        (
            vec![0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
            "the item ends early at byte 9",
        ),
        (vec![0x61, 0xff], "a text that is not UTF-8 at byte 2"),
        (
            vec![0x78, 0x01, 0x61],
            "a number or text not in its shortest form at byte 2",
        ),
        (
            vec![0x18, 0x01],
            "a number or text not in its shortest form at byte 2",
        ),
        (
            vec![0xf9, 0, 0],
            "a simple value that state form does not have at byte 3",
        ),
        (
            object(&[(int(1), int(1))]),
            "a key, member or part of the wrong kind at byte 1",
        ),
        (
            map(&[(array(&[]), int(1))]),
            "a key, member or part of the wrong kind at byte 4",
        ),
        (
            set(&[blob(&[1])]),
            "a key, member or part of the wrong kind at byte 4",
        ),
        (
            tagged(1, tagged(1, int(1))),
            "a tag on the wrong kind of item at byte 2",
        ),
        (
            tagged(259, array(&[])),
            "a tag on the wrong kind of item at byte 4",
        ),
        (deep, "nested too deep at byte 129"),
    ];
    for (image, expected) in cases {
        let error = StateImage::decode(image.into()).expect_err(expected);
        assert_eq!(
            error.to_string(),
            format!("malformed state image: {expected}")
        );
    }
    let twice = object(&[(text("a"), int(1)), (text("a"), int(2))]);
    let error = apply(twice, op(1, &[array(&[]), text("a")])).expect_err("a key comes twice");
    assert_eq!(
        error.to_string(),
        "state operation 0: a key that comes twice at byte 7"
    );
}

#[test]
fn leaves_may_be_as_deep_as_containers_go() {
    let leaf = tagged(27, array(&[text("RegExp"), text("a"), text("g")]));
    let around = |count, inner| (0..count).fold(inner, |inner, _| array(&[inner]));
    let deepest = around(limits::NESTING, leaf.clone());
    let mut image = StateImage::decode(deepest.into()).expect("just within the limit");
    let path = ints(&vec![0; limits::NESTING - 1]);
    image
        .apply(&op(2, &[path.clone(), array(&[leaf])]))
        .expect("a leaf fits where a leaf was");
    let encoded = image.encode().expect("there is a root");
    StateImage::decode(encoded).expect("what was encoded can be decoded");
    let error = image
        .apply(&op(2, &[path, array(&[array(&[])])]))
        .expect_err("a container does not fit");
    let message = "state operation 0: the state would be nested 129 deep, limit is 128";
    assert_eq!(error.to_string(), message);
}

#[test]
fn copies_are_limited() {
    let mut image = StateImage::decode(ints(&[1, 2]).into()).expect("an image");
    let error = (1..40)
        .find_map(|doublings| {
            let len = 1i64 << doublings;
            image
                .apply(&op(4, &[array(&[]), ints(&[0, len, 0, len])]))
                .err()
        })
        .expect("doubling ends");
    assert_eq!(
        error.to_string(),
        "state operation 0: the operations copy more than 268435456 bytes"
    );
}

#[test]
fn large_containers_keep_their_order() {
    let mut image = StateImage::decode(set(&[]).into()).expect("an image");
    for number in 0..1000 {
        image
            .apply(&op(5, &[array(&[]), int(number)]))
            .expect("adding works");
    }
    for number in (0..1000).filter(|number| number % 10 != 3) {
        image
            .apply(&op(1, &[array(&[]), int(number)]))
            .expect("deleting works");
    }
    image
        .apply(&op(5, &[array(&[]), int(0)]))
        .expect("adding works");
    let left: Vec<_> = (0..1000)
        .filter(|number| number % 10 == 3)
        .chain([0])
        .map(int)
        .collect();
    assert_eq!(image.encode().as_deref(), Some(&*set(&left)));
}
