//! From rounds of samples to one table, or rows of JSON.

use std::fmt::Write;

use crate::contender::{Contender, Kind};
use crate::measure::{Operation, Sample};

const NAME_WIDTH: usize = 24;
const COLUMN_WIDTH: usize = 18;

/// All rounds at one number of slots: for each contender, its samples in the order of the rounds.
pub(crate) struct SizeResult {
    pub(crate) slots: u32,
    pub(crate) rounds: Vec<(&'static Contender, Vec<Sample>)>,
}

/// The better variant of one contender, in one operation, at one number of slots.
struct Figure {
    contender: &'static Contender,
    nanoseconds: Vec<f64>,
}

/// How ours compares: the median of the ratios, each taken within one round.
struct Comparison {
    to_floor: Option<f64>,
    /// The exact LRU with the lowest median.
    to_peer: Option<(f64, &'static str)>,
}

impl SizeResult {
    /// One figure a name, in the order of the contenders.
    fn figures(&self, operation: Operation) -> Vec<Figure> {
        let mut figures: Vec<Figure> = Vec::new();
        for (contender, samples) in &self.rounds {
            let timed = samples.iter().filter_map(|sample| sample.nanoseconds[operation as usize]);
            let figure = Figure { contender, nanoseconds: timed.collect() };
            if figure.nanoseconds.is_empty() {
                continue;
            }
            match figures.iter_mut().find(|other| other.contender.name == contender.name) {
                Some(other) if figure.median() < other.median() => *other = figure,
                Some(_) => {}
                None => figures.push(figure),
            }
        }
        figures
    }

    fn bytes(&self, name: &str) -> Option<f64> {
        let variants = self.rounds.iter().filter(|(contender, _)| contender.name == name);
        let bytes = variants.filter_map(|(_, samples)| samples.first()?.bytes_per_sector);
        bytes.min_by(f64::total_cmp)
    }
}

impl Figure {
    fn best(&self) -> f64 {
        self.nanoseconds.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn median(&self) -> f64 {
        median(self.nanoseconds.clone())
    }

    fn ratio_to(&self, other: &Self) -> f64 {
        median(self.nanoseconds.iter().zip(&other.nanoseconds).map(|(ours, theirs)| ours / theirs).collect())
    }
}

impl Comparison {
    fn of(figures: &[Figure]) -> Option<Self> {
        let ours = figures.iter().find(|figure| figure.contender.kind == Kind::Ours)?;
        let floor = figures.iter().find(|figure| figure.contender.kind == Kind::Floor);
        let exact = figures.iter().filter(|figure| figure.contender.kind == Kind::ExactLru);
        let peer = exact.min_by(|one, other| one.median().total_cmp(&other.median()));
        Some(Self {
            to_floor: floor.map(|floor| ours.ratio_to(floor)),
            to_peer: peer.map(|peer| (ours.ratio_to(peer), peer.contender.name)),
        })
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

/// The names that were measured, once each.
fn names(results: &[SizeResult]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for (contender, _) in results.iter().flat_map(|result| &result.rounds) {
        if !names.contains(&contender.name) {
            names.push(contender.name);
        }
    }
    names
}

/// The table for people.
pub(crate) fn table(results: &[SizeResult], operations: &[Operation]) -> String {
    let mut table = String::new();
    let rounds = results.iter().map(|result| format!("{} rounds", result.rounds[0].1.len()));
    table += &line("ns, best / median", rounds);
    table += &line("", results.iter().map(|result| format!("{} slots", grouped(result.slots))));
    for &operation in operations {
        let figures: Vec<Vec<Figure>> = results.iter().map(|result| result.figures(operation)).collect();
        writeln!(table, "{}", operation.title()).expect("a string takes everything");
        for name in names(results) {
            let cells: Vec<String> = figures.iter().map(|figures| timing_cell(figures, name)).collect();
            if cells.iter().any(|cell| !cell.is_empty()) {
                table += &line(&format!("  {name}"), cells);
            }
        }
        table += &comparison_lines(&figures);
    }
    table += "bytes a sector, live\n";
    for name in names(results) {
        let cells = results.iter().map(|result| result.bytes(name));
        let cells: Vec<String> =
            cells.map(|bytes| bytes.map_or(String::new(), |bytes| format!("{bytes:.1}"))).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            table += &line(&format!("  {name}"), cells);
        }
    }
    table
}

fn timing_cell(figures: &[Figure], name: &str) -> String {
    let figure = figures.iter().find(|figure| figure.contender.name == name);
    figure.map_or(String::new(), |figure| format!("{:.1} / {:.1}", figure.best(), figure.median()))
}

fn comparison_lines(figures: &[Vec<Figure>]) -> String {
    let comparisons: Vec<Option<Comparison>> =
        figures.iter().map(|figures| Comparison::of(figures)).collect();
    let to_floor = comparisons.iter().map(|comparison| comparison.as_ref()?.to_floor);
    let to_floor: Vec<String> =
        to_floor.map(|ratio| ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"))).collect();
    let to_peer = comparisons.iter().map(|comparison| comparison.as_ref()?.to_peer);
    let to_peer: Vec<String> = to_peer
        .map(|peer| peer.map_or(String::new(), |(ratio, name)| format!("{name} {ratio:.2}")))
        .collect();
    let rows = [("  ours / memcpy", to_floor), ("  ours / best exact LRU", to_peer)];
    rows.into_iter()
        .filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()))
        .map(|(title, cells)| line(title, cells))
        .collect()
}

fn line(title: &str, cells: impl IntoIterator<Item = String>) -> String {
    let cells: String = cells.into_iter().map(|cell| format!("{cell:>COLUMN_WIDTH$}")).collect();
    format!("{title:<NAME_WIDTH$}{cells}").trim_end().to_owned() + "\n"
}

/// A number with commas between thousands.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let leading = digits.len() % 3;
    let mut grouped = digits[..leading].to_owned();
    for thousand in digits.as_bytes()[leading..].chunks(3) {
        if !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.extend(thousand.iter().map(|&digit| char::from(digit)));
    }
    grouped
}

/// An array of rows: timings, of which ours carries its ratios, and bytes a sector.
pub(crate) fn json(results: &[SizeResult], operations: &[Operation]) -> String {
    let mut rows = Vec::new();
    for result in results {
        let slots = result.slots;
        for &operation in operations {
            let figures = result.figures(operation);
            let comparison = Comparison::of(&figures);
            for figure in &figures {
                let Contender { name, hasher, kind, .. } = figure.contender;
                let ours = (*kind == Kind::Ours).then_some(comparison.as_ref()).flatten();
                rows.push(format!(
                    r#"{{"op":"{}","slots":{slots},"name":"{name}","hasher":"{hasher}","best_ns":{:.2},"median_ns":{:.2}{}}}"#,
                    operation.name(),
                    figure.best(),
                    figure.median(),
                    ours.map_or(String::new(), Comparison::json_fields),
                ));
            }
        }
        for name in names(results) {
            if let Some(bytes) = result.bytes(name) {
                rows.push(format!(r#"{{"op":"bytes","slots":{slots},"name":"{name}","bytes":{bytes:.1}}}"#));
            }
        }
    }
    format!("[\n  {}\n]", rows.join(",\n  "))
}

impl Comparison {
    fn json_fields(&self) -> String {
        let mut fields = String::new();
        if let Some(ratio) = self.to_floor {
            fields += &format!(r#","to_floor":{ratio:.3}"#);
        }
        if let Some((ratio, name)) = self.to_peer {
            fields += &format!(r#","to_peer":{ratio:.3},"peer":"{name}""#);
        }
        fields
    }
}
