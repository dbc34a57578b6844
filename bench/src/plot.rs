//! Results as pictures: one SVG for each workload, with a panel for each of its figures that is worth
//! a look beside the others. The background is drawn, so that dark pages show it as it is.

use std::{fs, ops::Range, path::Path};

use anyhow::{Context as _, Result, anyhow, ensure};
use plotters::{
    coord::{
        Shift,
        ranged1d::{AsRangedCoord, Ranged, ValueFormatter},
    },
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    goal::Goal,
    results::{MetricEntry, Results, Role, WorkloadEntry},
    statistics::Summary,
};

/// All sizes are in pixels.
const WIDTH: u32 = 960;
const ROW: u32 = 26;
/// Of a panel's title.
const CAPTION: u32 = 34;
/// Of the numbers below a panel.
const AXIS: u32 = 26;
/// Of the names to the left.
const NAMES: u32 = 240;
/// Of the workload's title and of the lines below it.
const HEAD: u32 = 92;
/// Around everything.
const MARGIN: i32 = 14;

/// Of a letter, about.
const TEXT_WIDTH: i32 = 7;

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

/// One figure of all systems.
struct Chart<'a> {
    metric: &'a MetricEntry,
    rows: Vec<Row>,
    goals: Vec<Mark>,
}

/// One system's figure.
struct Row {
    /// With what it promises.
    name: String,
    role: Role,
    summary: Summary,
}

/// Where a goal is.
struct Mark {
    limit: f64,
    text: String,
}

impl Chart<'_> {
    /// In pixels: a line for each system and for each goal.
    fn height(&self) -> u32 {
        let lines = self.rows.len() + self.goals.len();
        CAPTION + AXIS + ROW * lines as u32
    }
}

/// The SVG of a workload; `None` if no system has a figure.
fn draw(results: &Results, workload: &WorkloadEntry) -> Result<Option<String>> {
    let charts: Vec<Chart<'_>> = workload
        .metrics
        .iter()
        .filter(|metric| metric.plotted)
        .map(|metric| Chart {
            metric,
            rows: rows(results, workload, metric),
            goals: goals(results, workload, metric),
        })
        .filter(|chart| !chart.rows.is_empty())
        .collect();
    if charts.is_empty() {
        return Ok(None);
    }
    let total = HEAD + 2 * MARGIN as u32 + charts.iter().map(Chart::height).sum::<u32>();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, total)).into_drawing_area();
        picture(&area, results, workload, &charts)
            .map_err(|error| anyhow!("cannot draw {}: {error}", workload.name))?;
    }
    Ok(Some(entitled(&svg, workload)))
}

/// With a title, for those who do not see the picture. Plotters gives none.
fn entitled(svg: &str, workload: &WorkloadEntry) -> String {
    let title = format!("{}: {}", workload.name, workload.about);
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    svg.replacen('>', &format!(">\n<title>{title}</title>"), 1)
}

fn rows(results: &Results, workload: &WorkloadEntry, metric: &MetricEntry) -> Vec<Row> {
    let systems = results.systems.iter();
    systems
        .filter_map(|system| {
            Some(Row {
                name: format!("{} · {}", system.name, system.durability.describe()),
                role: system.role,
                summary: results.summary(workload, system, metric)?,
            })
        })
        .collect()
}

/// The goals that the run says the limits of, the lowest first: lines then go down left of the texts
/// of those below them.
fn goals(results: &Results, workload: &WorkloadEntry, metric: &MetricEntry) -> Vec<Mark> {
    let marks = Goal::of(workload, metric).filter_map(|goal| {
        let mut systems = results.systems.iter();
        let limit = systems
            .find_map(|system| goal.is_for(system).then(|| goal.limit(results, system))?)?;
        let text = format!("goal {}: {}", goal.whose(), goal.describe());
        Some(Mark { limit, text })
    });
    let mut marks: Vec<Mark> = marks.collect();
    marks.sort_by(|one, other| one.limit.total_cmp(&other.limit));
    marks
}

type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

fn picture<'a>(
    area: &Panel<'a>,
    results: &Results,
    workload: &WorkloadEntry,
    charts: &[Chart<'_>],
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
    legend(&head, 68)?;
    for chart in charts {
        let (panel, below) = rest.split_vertically(chart.height());
        let span = span(chart);
        if is_logarithmic(chart) {
            draw_chart(&panel, chart, span.log_scale())?;
        } else {
            draw_chart(&panel, chart, span)?;
        }
        rest = below;
    }
    area.present()
}

/// What the colors mean, side by side.
fn legend<'a>(head: &Panel<'a>, y: i32) -> Drawn<'a> {
    let mut x = 10;
    let of_roles = [
        (Role::Ours, "Greenroom"),
        (Role::Peer, "other systems"),
        (Role::Floor, "floors: no actors"),
    ];
    for (role, text) in of_roles {
        let color = color(role);
        head.draw(&Circle::new((x, y + 6), 5, color.filled()))?;
        let style = ("sans-serif", 13).into_font().color(&color);
        head.draw(&Text::new(text, (x + 12, y), style))?;
        x += 40 + TEXT_WIDTH * text.len() as i32;
    }
    Ok(())
}

/// What the figures depend on, in one short line.
fn conditions(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "{} × {}, {}, Node.js {}, Bun {}; median of up to {} round(s), line from least to most",
        machine.processors,
        machine.processor,
        machine.kernel,
        machine.node,
        machine.bun,
        results.rounds
    )
}

fn is_logarithmic(chart: &Chart<'_>) -> bool {
    let Range { start, end } = extent(chart);
    start > 0.0 && end / start >= LOGARITHMIC_FROM
}

/// From the least value of any round, or the lowest goal, to the most.
fn extent(chart: &Chart<'_>) -> Range<f64> {
    let ends = chart
        .rows
        .iter()
        .map(|row| row.summary.min..row.summary.max);
    let marks = chart.goals.iter().map(|mark| mark.limit..mark.limit);
    ends.chain(marks).fold(f64::INFINITY..0.0, |all, one| {
        all.start.min(one.start)..all.end.max(one.end)
    })
}

/// What the axis shows.
fn span(chart: &Chart<'_>) -> Range<f64> {
    let Range { start, end } = extent(chart);
    if is_logarithmic(chart) {
        let decades = (end / start).log10();
        start / 1.3..end * 10f64.powf(decades * ROOM_DECADES)
    } else if end > 0.0 {
        0.0..end * ROOM_EVEN
    } else {
        // Nothing but zeros.
        0.0..1.0
    }
}

type Context<'a, 'b, X> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, plotters::coord::types::RangedCoordf64>>;

fn draw_chart<'a, X>(panel: &Panel<'a>, chart: &Chart<'_>, span: X) -> Drawn<'a>
where
    X: AsRangedCoord<Value = f64>,
    X::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let lines = (chart.rows.len() + chart.goals.len()) as f64;
    let logarithmic = is_logarithmic(chart);
    let title = if logarithmic {
        format!("{}, logarithmic", chart.metric.title)
    } else {
        chart.metric.title.clone()
    };
    let caption = ("sans-serif", 14).into_font().color(&INK);
    let mut context = ChartBuilder::on(panel)
        .caption(title, caption)
        .set_label_area_size(LabelAreaPosition::Left, NAMES)
        .set_label_area_size(LabelAreaPosition::Bottom, AXIS)
        .build_cartesian_2d(span, 0.0..lines)?;
    context
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .bold_line_style(GRID)
        .light_line_style(WHITE)
        .axis_style(GRID)
        .x_label_style(("sans-serif", 12).into_font().color(&FAINT))
        .x_label_formatter(&|value| tick(*value, logarithmic))
        .draw()?;
    // Goals stand above, the first system below them.
    let at = |line: usize| lines - 0.5 - line as f64;
    for (index, mark) in chart.goals.iter().enumerate() {
        draw_mark(&mut context, mark, at(index))?;
    }
    for (index, row) in chart.rows.iter().enumerate() {
        let y = at(chart.goals.len() + index);
        draw_row(panel, &mut context, (chart.metric, row), y, logarithmic)?;
    }
    Ok(())
}

/// A line down from `y`, with what it means beside its end.
fn draw_mark<'b, X>(context: &mut Context<'_, 'b, X>, mark: &Mark, y: f64) -> Drawn<'b>
where
    X: Ranged<ValueType = f64>,
{
    let color = color(Role::Ours);
    let points = vec![(mark.limit, 0.0), (mark.limit, y)];
    context.draw_series([PathElement::new(points, color.mix(0.45).stroke_width(1))])?;
    let pixel = |x: f64| context.backend_coord(&(x, y)).0;
    let room = pixel(context.x_range().end) - pixel(mark.limit);
    let (side, away) = if room < TEXT_WIDTH * mark.text.chars().count() as i32 {
        (HPos::Right, -6)
    } else {
        (HPos::Left, 6)
    };
    let style = ("sans-serif", 12).into_font().color(&color);
    let style = style.pos(Pos::new(side, VPos::Center));
    let text = Text::new(mark.text.clone(), (away, 0), style);
    context.draw_series([EmptyElement::at((mark.limit, y)) + text])?;
    Ok(())
}

fn draw_row<'b, X>(
    panel: &Panel<'b>,
    context: &mut Context<'_, 'b, X>,
    (metric, row): (&MetricEntry, &Row),
    at: f64,
    logarithmic: bool,
) -> Drawn<'b>
where
    X: Ranged<ValueType = f64>,
{
    let Range { start, end } = context.x_range();
    let Summary { median, min, max } = row.summary;
    let color = color(row.role);
    let (left, y) = context.backend_coord(&(start, at));
    let name = ("sans-serif", 13).into_font().color(&INK);
    let name = name.pos(Pos::new(HPos::Right, VPos::Center));
    let (panel_x, panel_y) = panel.get_base_pixel();
    let place = (left - panel_x - 8, y - panel_y);
    panel.draw(&Text::new(row.name.clone(), place, name))?;
    let line =
        |from: f64, to: f64, style: ShapeStyle| PathElement::new(vec![(from, at), (to, at)], style);
    // A length says something only on an even scale.
    let lead = if logarithmic {
        line(start, end, GRID.stroke_width(1))
    } else {
        line(start, median, color.mix(0.35).stroke_width(2))
    };
    context.draw_series([lead, line(min, max, color.stroke_width(3))])?;
    context.draw_series([Circle::new((median, at), 5, color.filled())])?;
    let label = ("sans-serif", 13).into_font().color(&color);
    let label = label.pos(Pos::new(HPos::Left, VPos::Center));
    let text = number(median, metric.digits);
    // Lines end at the text.
    let width = TEXT_WIDTH * text.len() as i32;
    let back = Rectangle::new([(8, -8), (12 + width, 8)], WHITE.filled());
    let text = Text::new(text, (10, 0), label);
    context.draw_series([EmptyElement::at((max, at)) + back + text])?;
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
    use crate::results::tests::{example, of_a_run};

    #[test]
    fn each_workload_is_a_picture_of_the_systems_that_have_figures() {
        let folder = tempfile::tempdir().unwrap();
        all(&example(), folder.path()).unwrap();
        let svg = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let work = svg("work.svg");
        for part in [
            "<svg",
            "<title>work: what work does</title>",
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
    fn goals_are_marked_and_what_systems_promise_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let results = of_a_run(&[
            ("action-ws-64", "greenroom-node", "server_cpu_us", 12.0),
            ("action-ws-64", "rivetkit-2.0", "server_cpu_us", 400.0),
            ("action-ws-64", "ws-node", "server_cpu_us", 5.0),
        ]);
        all(&results, folder.path()).unwrap();
        let svg = std::fs::read_to_string(folder.path().join("action-ws-64.svg")).unwrap();
        for part in [
            "goal TypeScript: ≤ 20",
            "goal TypeScript: ≤ 1.6 × ws-node",
            "greenroom-node · durable",
            "rivetkit-2.0 · not durable",
            "ws-node · stores nothing",
            "other systems",
            "logarithmic",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        // No actors in Rust and no workerd were measured.
        assert!(
            !svg.contains("goal Rust") && !svg.contains("workerd"),
            "{svg}"
        );
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
