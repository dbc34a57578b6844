//! The text format of Prometheus, version 0.0.4.

use std::fmt::Write;

/// A page of metrics. Families are written one after the other: what it is first, then its samples.
#[derive(Debug, Default)]
pub struct MetricsPage {
    text: String,
    family: &'static str,
}

impl MetricsPage {
    /// Begins a family whose value may go up and down.
    pub fn gauge(&mut self, name: &'static str, help: &str) {
        self.begin(name, "gauge", help);
    }

    /// Begins a family whose value only grows. Its name ends in `_total`.
    pub fn counter(&mut self, name: &'static str, help: &str) {
        self.begin(name, "counter", help);
    }

    /// Adds a value to the family that was begun last. Labels must be of bounded number: no ids.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let family = self.family;
        self.line(family, "", labels, value);
    }

    /// Writes a histogram: how many values were at most each of `bounds` and above the one before, how many
    /// there were in all, and their sum.
    pub fn histogram(
        &mut self,
        name: &'static str,
        help: &str,
        bounds: &[f64],
        counts: &[u64],
        total: u64,
        sum: f64,
    ) {
        self.begin(name, "histogram", help);
        let mut so_far = 0;
        for (bound, count) in bounds.iter().zip(counts) {
            so_far += count;
            self.line(
                name,
                "_bucket",
                &[("le", &bound.to_string())],
                so_far as f64,
            );
        }
        self.line(name, "_bucket", &[("le", "+Inf")], total as f64);
        self.line(name, "_sum", &[], sum);
        self.line(name, "_count", &[], total as f64);
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.text
    }

    fn begin(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        for (at, (label, value)) in labels.iter().enumerate() {
            self.text.push(if at == 0 { '{' } else { ',' });
            self.text.push_str(label);
            self.text.push_str("=\"");
            for char in value.chars() {
                match char {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_in_the_text_format() {
        let mut page = MetricsPage::default();
        page.gauge("a_bytes", "What it weighs.");
        page.sample(&[], 1.5);
        page.sample(
            &[("name", "with \"quotes\", a \\ and\na line"), ("n", "")],
            3e9,
        );
        page.histogram("h_seconds", "How long.", &[0.5, 1.0], &[1, 2], 4, 9.25);
        let expected = [
            "# HELP a_bytes What it weighs.",
            "# TYPE a_bytes gauge",
            "a_bytes 1.5",
            r#"a_bytes{name="with \"quotes\", a \\ and\na line",n=""} 3000000000"#,
            "# HELP h_seconds How long.",
            "# TYPE h_seconds histogram",
            r#"h_seconds_bucket{le="0.5"} 1"#,
            r#"h_seconds_bucket{le="1"} 3"#,
            r#"h_seconds_bucket{le="+Inf"} 4"#,
            "h_seconds_sum 9.25",
            "h_seconds_count 4",
            "",
        ];
        assert_eq!(page.into_text(), expected.join("\n"));
    }
}
