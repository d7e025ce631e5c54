//! From rounds of samples to one table, or rows of JSON.

use std::fmt::Write;

use platter_peers::{Comparison, Figure, Role, best_variants, grouped, json_array, line};

use crate::contender::Contender;
use crate::measure::{Operation, Sample};

/// All rounds at one number of slots: for each contender, its samples in the order of the rounds.
pub(crate) struct SizeResult {
    pub(crate) slots: u32,
    pub(crate) rounds: Vec<(&'static Contender, Vec<Sample>)>,
}

impl SizeResult {
    /// One figure a name, in the order of the contenders.
    fn figures(&self, operation: Operation) -> Vec<Figure> {
        best_variants(self.rounds.iter().map(|(contender, samples)| Figure {
            name: contender.name,
            variant: contender.hasher,
            role: contender.role,
            costs: samples.iter().filter_map(|sample| sample.nanoseconds[operation as usize]).collect(),
        }))
    }

    fn bytes(&self, name: &str) -> Option<f64> {
        let variants = self.rounds.iter().filter(|(contender, _)| contender.name == name);
        let bytes = variants.filter_map(|(_, samples)| samples.first()?.bytes_per_sector);
        bytes.min_by(f64::total_cmp)
    }
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
    let figure = figures.iter().find(|figure| figure.name == name);
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

/// An array of rows: timings, of which ours carries its ratios, and bytes a sector.
pub(crate) fn json(results: &[SizeResult], operations: &[Operation]) -> String {
    let mut rows = Vec::new();
    for result in results {
        let slots = result.slots;
        for &operation in operations {
            let figures = result.figures(operation);
            let comparison = Comparison::of(&figures);
            for figure in &figures {
                let Figure { name, variant, role, .. } = figure;
                let ours = (*role == Role::Ours).then_some(comparison.as_ref()).flatten();
                rows.push(format!(
                    r#"{{"op":"{}","slots":{slots},"name":"{name}","hasher":"{variant}","best_ns":{:.2},"median_ns":{:.2}{}}}"#,
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
    json_array(&rows)
}
