//! Results as pictures: one SVG for each workload, with a panel for each of its figures that is worth
//! a look beside the others. The background is drawn, so that dark pages show it as it is.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context, Result, anyhow, ensure};
use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, Ranged, ValueFormatter},
    },
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    results::{MetricEntry, Results, Role, WorkloadEntry},
    statistics::Summary,
};

/// All sizes are in pixels.
const WIDTH: u32 = 900;
const ROW: u32 = 26;
/// Of a panel's title.
const CAPTION: u32 = 34;
/// Of the numbers below a panel.
const AXIS: u32 = 26;
/// Of the names to the left.
const NAMES: u32 = 150;
/// Of the workload's title and of the line below it.
const HEAD: u32 = 66;
/// Around everything.
const MARGIN: i32 = 14;

/// From this ratio on, the smallest could not be seen on an even scale.
const LOGARITHMIC_FROM: f64 = 15.0;
/// Free space to the right of the largest value, for its label: as a factor of it on a logarithmic
/// scale in decades, and on an even one of the whole.
const ROOM_DECADES: f64 = 0.22;
const ROOM_EVEN: f64 = 1.3;

const INK: RGBColor = RGBColor(31, 35, 40);
const FAINT: RGBColor = RGBColor(101, 109, 118);
const GRID: RGBColor = RGBColor(228, 231, 235);

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws all workloads that have something to show into `folder`.
///
/// # Errors
/// There is nothing to show, or a file cannot be written.
pub(crate) fn all(results: &Results, folder: &Path) -> Result<()> {
    let mut drawn = 0;
    for workload in &results.workloads {
        let picture = draw(results, workload)?;
        if let Some(svg) = picture {
            let path = folder.join(format!("{}.svg", workload.name));
            fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
            eprintln!("wrote {}", path.display());
            drawn += 1;
        }
    }
    ensure!(drawn > 0, "there is nothing to plot in these results");
    Ok(())
}

/// One system's figure.
struct Row<'a> {
    name: &'a str,
    role: Role,
    summary: Summary,
}

/// The SVG of a workload; `None` if no system has a figure.
fn draw(results: &Results, workload: &WorkloadEntry) -> Result<Option<String>> {
    let panels: Vec<(&MetricEntry, Vec<Row<'_>>)> = workload
        .metrics
        .iter()
        .filter(|metric| metric.plotted)
        .map(|metric| (metric, rows(results, workload, metric)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    if panels.is_empty() {
        return Ok(None);
    }
    let height = |rows: &[Row<'_>]| CAPTION + AXIS + ROW * rows.len() as u32;
    let total = HEAD + 2 * MARGIN as u32 + panels.iter().map(|(_, rows)| height(rows)).sum::<u32>();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, total)).into_drawing_area();
        picture(&area, results, workload, &panels, height)
            .map_err(|error| anyhow!("cannot draw {}: {error}", workload.name))?;
    }
    Ok(Some(svg))
}

fn rows<'a>(results: &'a Results, workload: &WorkloadEntry, metric: &MetricEntry) -> Vec<Row<'a>> {
    let systems = results.systems.iter();
    systems
        .filter_map(|system| {
            Some(Row {
                name: &system.name,
                role: system.role,
                summary: results.summary(workload, system, metric)?,
            })
        })
        .collect()
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn picture<'a>(
    area: &Panel<'a>,
    results: &Results,
    workload: &WorkloadEntry,
    panels: &[(&MetricEntry, Vec<Row<'_>>)],
    height: impl Fn(&[Row<'_>]) -> u32,
) -> Drawn<'a> {
    area.fill(&WHITE)?;
    let inner = area.margin(MARGIN, MARGIN, MARGIN, MARGIN);
    let (head, mut rest) = inner.split_vertically(HEAD);
    let line = |text: &str, size: i32, color: &RGBColor, y: i32| {
        let style = ("sans-serif", size).into_font().color(color);
        head.draw(&Text::new(text.to_owned(), (4, y), style))
    };
    line(&workload.name, 20, &INK, 2)?;
    line(&workload.about, 14, &INK, 26)?;
    line(&conditions(results), 12, &FAINT, 45)?;
    for (metric, rows) in panels {
        let (panel, below) = rest.split_vertically(height(rows));
        let end = span(rows);
        if is_logarithmic(rows) {
            chart(&panel, metric, rows, end.log_scale())?;
        } else {
            chart(&panel, metric, rows, end)?;
        }
        rest = below;
    }
    area.present()
}

/// What the figures depend on, in one short line.
fn conditions(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "{} × {}, {}, Node.js {}, Bun {}; median of {} round(s), line from least to most",
        machine.processors,
        machine.processor,
        machine.kernel,
        machine.node,
        machine.bun,
        results.rounds
    )
}

fn is_logarithmic(rows: &[Row<'_>]) -> bool {
    let Range { start, end } = extent(rows);
    start > 0.0 && end / start >= LOGARITHMIC_FROM
}

/// From the least value of any round to the most.
fn extent(rows: &[Row<'_>]) -> Range<f64> {
    let least = rows
        .iter()
        .map(|row| row.summary.min)
        .fold(f64::INFINITY, f64::min);
    let most = rows.iter().map(|row| row.summary.max).fold(0.0, f64::max);
    least..most
}

/// What the axis shows.
fn span(rows: &[Row<'_>]) -> Range<f64> {
    let Range { start, end } = extent(rows);
    if is_logarithmic(rows) {
        let decades = (end / start).log10();
        start / 1.3..end * 10f64.powf(decades * ROOM_DECADES)
    } else if end > 0.0 {
        0.0..end * ROOM_EVEN
    } else {
        // Nothing but zeros.
        0.0..1.0
    }
}

fn chart<'a, X>(panel: &Panel<'a>, metric: &MetricEntry, rows: &[Row<'_>], span: X) -> Drawn<'a>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let count = rows.len() as f64;
    let logarithmic = is_logarithmic(rows);
    let title = if logarithmic {
        format!("{}, logarithmic", metric.title)
    } else {
        metric.title.clone()
    };
    let caption = ("sans-serif", 14).into_font().color(&INK);
    let mut chart = ChartBuilder::on(panel)
        .caption(title, caption)
        .set_label_area_size(LabelAreaPosition::Left, NAMES)
        .set_label_area_size(LabelAreaPosition::Bottom, AXIS)
        .build_cartesian_2d(span, 0.0..count)?;
    // The first system stands at the top.
    let at = |row: usize| count - 0.5 - row as f64;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .bold_line_style(GRID)
        .light_line_style(WHITE)
        .axis_style(GRID)
        .x_label_style(("sans-serif", 12).into_font().color(&FAINT))
        .x_label_formatter(&|value| tick(*value, logarithmic))
        .draw()?;
    let Range { start, end } = chart.x_range();
    for (index, row) in rows.iter().enumerate() {
        let Summary { median, min, max } = row.summary;
        let color = color(row.role);
        let (left, y) = chart.backend_coord(&(start, at(index)));
        let name = ("sans-serif", 13).into_font().color(&INK);
        let name = name.pos(Pos::new(HPos::Right, VPos::Center));
        let (panel_x, panel_y) = panel.get_base_pixel();
        panel.draw(&Text::new(
            row.name,
            (left - panel_x - 8, y - panel_y),
            name,
        ))?;
        let line = |from: f64, to: f64, style: ShapeStyle| {
            PathElement::new(vec![(from, at(index)), (to, at(index))], style)
        };
        // A length says something only on an even scale.
        let lead = if logarithmic {
            line(start, end, GRID.stroke_width(1))
        } else {
            line(start, median, color.mix(0.35).stroke_width(2))
        };
        chart.draw_series([lead, line(min, max, color.stroke_width(3))])?;
        chart.draw_series([Circle::new((median, at(index)), 5, color.filled())])?;
        let label = ("sans-serif", 13).into_font().color(&color);
        let label = label.pos(Pos::new(HPos::Left, VPos::Center));
        let text = number(median, metric.digits);
        chart
            .draw_series([EmptyElement::at((max, at(index))) + Text::new(text, (10, 0), label)])?;
    }
    Ok(())
}

fn color(role: Role) -> RGBColor {
    match role {
        Role::Ours => RGBColor(17, 122, 74),
        Role::Floor => RGBColor(120, 128, 138),
        Role::Peer => RGBColor(188, 82, 24),
    }
}

/// The label of a line: on a logarithmic scale only of those that are far enough apart.
fn tick(value: f64, logarithmic: bool) -> String {
    let leading = value / 10f64.powf(value.log10().floor());
    let is_labelled = [1.0, 2.0, 5.0]
        .iter()
        .any(|one| (leading - one).abs() < 1e-6);
    if logarithmic && !is_labelled {
        String::new()
    } else {
        short(value)
    }
}

/// A number of an axis: `1500000` as `1.5M`.
fn short(value: f64) -> String {
    let (value, unit) = match value.abs() {
        big if big >= 1e6 => (value / 1e6, "M"),
        big if big >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    // Without the noise of binary fractions.
    let value = (value * 1e6).round() / 1e6;
    format!("{value}{unit}")
}

/// A figure with its thousands set apart.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    for (index, digit) in whole.char_indices() {
        if index > 0 && (whole.len() - index) % 3 == 0 && !out.ends_with('-') {
            out.push(',');
        }
        out.push(digit);
    }
    out + fraction
}

#[cfg(test)]
mod tests {
    use super::{all, number, short, tick};
    use crate::results::tests::example;

    #[test]
    fn each_workload_is_a_picture_of_the_systems_that_have_figures() {
        let folder = tempfile::tempdir().unwrap();
        all(&example(), folder.path()).unwrap();
        let svg = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let work = svg("work.svg");
        for part in [
            "<svg",
            "what work does",
            "cost µs",
            "quick",
            "slow",
            "300.0",
            "Abacus",
        ] {
            assert!(work.contains(part), "{part}: {work}");
        }
        let rest = svg("rest.svg");
        assert!(rest.contains("quick") && !rest.contains("slow"), "{rest}");
    }

    #[test]
    fn without_figures_there_is_no_picture() {
        let folder = tempfile::tempdir().unwrap();
        let mut results = example();
        results.samples.clear();
        let error = all(&results, folder.path()).unwrap_err();
        assert!(error.to_string().contains("nothing to plot"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(number(1_234_567.25, 1), "1,234,567.2");
        assert_eq!(number(-123.0, 0), "-123");
        assert_eq!(number(0.5, 2), "0.50");
        assert_eq!(short(0.1 + 0.2), "0.3");
        assert_eq!(tick(3000.0, false), "3000");
        assert_eq!(tick(3000.0, true), "");
        assert_eq!(tick(0.0005, true), "0.0005");
        assert_eq!(short(20_000.0), "20k");
        assert_eq!(short(1_500_000.0), "1.5M");
    }
}
