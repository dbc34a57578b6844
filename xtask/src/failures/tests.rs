use super::{Failure, Failures, describe};

fn read(output: &str) -> Vec<Failure> {
    let mut failures = Failures::default();
    output.lines().for_each(|line| failures.read_line(line));
    failures.finish().0
}

fn failure(name: &str, place: &str, details: &[&str]) -> Failure {
    Failure {
        name: name.to_owned(),
        place: place.to_owned(),
        details: details.iter().map(|&line| line.to_owned()).collect(),
    }
}

#[test]
fn of_node_the_innermost_tests_count_with_place_and_error() {
    let output = "\
TAP version 13
# Subtest: outer
    # Subtest: inner
    not ok 1 - inner
      ---
      duration_ms: 6.864
      location: '/r/a.test.js:2:42'
      failureType: 'testCodeFailure'
      error: |-
        Expected values to be equal:

        1 !== 2
      code: 'ERR_ASSERTION'
      ...
    # Subtest: fine
    ok 2 - fine
      ---
      duration_ms: 0.1
      ...
    1..2
not ok 1 - outer
  ---
  location: '/r/a.test.js:1:1'
  type: 'suite'
  failureType: 'subtestsFailed'
  error: '1 subtest failed'
  code: 'ERR_TEST_FAILURE'
  ...
not ok 2 - later # TODO
  ---
  failureType: 'testCodeFailure'
  error: 'x'
  ...
not ok 3 - /r/b.test.js
  ---
  duration_ms: 300059.564331
  location: '/r/b.test.js:1:1'
  failureType: 'testTimeoutFailure'
  error: 'test timed out after 300000ms'
  code: 'ERR_TEST_FAILURE'
  ...
1..3
# fail 3
";
    let expected = [
        failure(
            "inner",
            "/r/a.test.js:2:42",
            &[
                "error: |-",
                "  Expected values to be equal:",
                "  1 !== 2",
                "code: 'ERR_ASSERTION'",
            ],
        ),
        failure(
            "/r/b.test.js",
            "/r/b.test.js:1:1",
            &[
                "error: 'test timed out after 300000ms'",
                "code: 'ERR_TEST_FAILURE'",
            ],
        ),
    ];
    assert_eq!(read(output), expected);
}

#[test]
fn an_error_of_node_that_breaks_off_is_told_as_far_as_it_came() {
    let output = "not ok 1 - a\n  ---\n  error: 'x'\nnot ok 2 - b\nok 3 - c\nnot ok 4 - d";
    let expected = [
        failure("a", "", &["error: 'x'"]),
        failure("b", "", &[]),
        failure("d", "", &[]),
    ];
    assert_eq!(read(output), expected);
}

#[test]
fn of_nextest_each_failed_test_counts_once_with_its_panic() {
    let output = "\
        PASS [   0.010s] (1/4) c good
     SIGABRT [   0.008s] (2/4) c m::abort
  stdout ───

    running 1 test

    (test aborted with signal 6: SIGABRT)

        SLOW [> 60.000s] (   ) c slow
     TIMEOUT [ 300.000s] (3/4) c slow
        FAIL [   0.191s] (4/4) c bad
  stdout ───

    running 1 test
    test bad ... FAILED

  stderr ───

    thread 'bad' (13122) panicked at src/lib.rs:2:41:
    assertion `left == right` failed: why
    stack backtrace:
       0: __rustc::rust_begin_unwind

────────────
     Summary [   0.192s] 4 tests run: 1 passed, 2 failed, 1 timed out, 0 skipped
     SIGABRT [   0.008s] (2/4) c m::abort
        FAIL [   0.191s] (4/4) c bad
error: test run failed
";
    let aborted = [
        "    running 1 test",
        "    (test aborted with signal 6: SIGABRT)",
    ];
    let panicked = [
        "    thread 'bad' (13122) panicked at src/lib.rs:2:41:",
        "    assertion `left == right` failed: why",
    ];
    let expected = [
        failure("c m::abort", "", &aborted),
        failure("c slow", "", &[]),
        failure("c bad", "", &panicked),
    ];
    assert_eq!(read(output), expected);
}

#[test]
fn of_cargo_the_failed_tests_count_with_what_they_printed() {
    let output = "\
running 3 tests
test m::err ... FAILED

failures:

---- m::err stdout ----
Error: \"no\"

---- bad stdout ----
thread 'bad' panicked at src/lib.rs:2:41:
stack backtrace:
   0: std::panicking

failures:
    bad
    m::err

test result: FAILED. 1 passed; 2 failed
";
    let expected = [
        failure("m::err", "", &["Error: \"no\""]),
        failure("bad", "", &["thread 'bad' panicked at src/lib.rs:2:41:"]),
    ];
    assert_eq!(read(output), expected);
}

#[test]
fn of_bun_the_error_stands_before_and_a_timeout_after() {
    let output = "\
bun test v1.4.5 (a7733435c)

b.test.js:
error: of another one
(pass) grp > first [0.01ms]
2 | expect([1]).toEqual([2])
error: expect(received).toEqual(expected)

+ Received  + 1
(fail) grp > fails [0.25ms]
(pass) grp > ok [0.01ms]
(fail) late [65.92ms]
  ^ this test timed out after 50ms.

 1 pass
 2 fail
";
    let error = [
        "error: expect(received).toEqual(expected)",
        "+ Received  + 1",
    ];
    let expected = [
        failure("grp > fails [0.25ms]", "", &error),
        failure("late [65.92ms]", "", &["this test timed out after 50ms."]),
    ];
    assert_eq!(read(output), expected);
}

#[test]
fn output_without_a_failed_test_has_none_and_its_last_lines_are_kept() {
    let mut failures = Failures::default();
    let lines: Vec<String> = (0..40).map(|number| format!("line {number}")).collect();
    for line in &lines {
        failures.read_line(line);
        failures.read_line("");
    }
    failures.read_line("ok 1 - not ok 2 - x");
    let (found, recent) = failures.finish();
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(recent.len(), 15);
    assert_eq!(recent[13..], ["line 39", "ok 1 - not ok 2 - x"]);
}

#[test]
fn few_failures_are_described_with_their_errors_and_many_by_name() {
    let long = "x".repeat(1_000);
    let errors: Vec<&str> = std::iter::once(long.as_str())
        .chain([""; 3])
        .chain(["e"; 30])
        .collect();
    let test = failure("t", "f:1", &errors);
    let described = |count| describe(&vec![("s", &test); count]);
    assert!(described(0).is_empty());
    let one = described(1);
    assert_eq!(one.len(), 16);
    assert_eq!(one[0], "failed: s: t (f:1)");
    assert_eq!(one[1].len(), 200);
    for count in 1..30 {
        let lines = described(count);
        assert!(lines.len() <= 30, "{count}");
        let names = lines.iter().filter(|line| line.starts_with("failed: s: t"));
        assert_eq!(names.count(), count);
    }
    let many = described(45);
    assert_eq!(many.len(), 31);
    assert_eq!(many[30], "and 15 more");
}
