//! From samples to one table, or rows of JSON.

use platter_peers::{Comparison, Figure, Role, best_variants, grouped, json_array, line};

use crate::contender::{self, Contender};
use crate::measure::Operation;

/// All samples at one length of blobs, in the order of the rounds.
pub(crate) struct SizeResult {
    pub(crate) blob_length: usize,
    pub(crate) bytes: u64,
    pub(crate) rounds: usize,
    /// In seconds.
    pub(crate) samples: Vec<(&'static Contender, Operation, f64)>,
}

impl SizeResult {
    /// One figure a name, in the order of the contenders.
    fn figures(&self, operation: Operation) -> Vec<Figure> {
        best_variants(contender::ALL.iter().filter_map(|contender| {
            let samples = self.samples.iter().filter(|(other, timed, _)| {
                (other.name, other.variant, *timed) == (contender.name, contender.variant, operation)
            });
            Some(Figure {
                name: contender.name,
                variant: contender.variant,
                role: (contender.role)(operation)?,
                costs: samples.map(|&(_, _, seconds)| seconds).collect(),
            })
        }))
    }

    /// Seconds in the unit of the operation.
    fn shown(&self, operation: Operation, seconds: f64) -> f64 {
        match operation {
            Operation::Open => seconds * 1e6,
            Operation::Random => seconds * 1e9,
            _ => self.bytes as f64 / seconds / 1e9,
        }
    }
}

/// A ratio of seconds as a ratio in the unit of the operation: of rates, more is better.
fn shown_ratio(operation: Operation, ratio: f64) -> f64 {
    if operation.unit() == "GB/s" { 1.0 / ratio } else { ratio }
}

/// The table for people.
pub(crate) fn table(results: &[SizeResult], operations: &[Operation]) -> String {
    let rounds = results.iter().map(|result| format!("{} rounds", result.rounds));
    let mut table = line("best / median", rounds);
    let lengths = results.iter().map(|result| grouped(result.blob_length as u64));
    table += &line("", lengths.map(|length| format!("{length} B a blob")));
    for &operation in operations {
        let figures: Vec<Vec<Figure>> = results.iter().map(|result| result.figures(operation)).collect();
        table += &format!("{}, {}\n", operation.title(), operation.unit());
        let mut names: Vec<&str> = figures.iter().flatten().map(|figure| figure.name).collect();
        names.sort_by_key(|name| contender::ALL.iter().position(|contender| contender.name == *name));
        names.dedup();
        for name in names {
            let cells = results.iter().zip(&figures).map(|(result, figures)| {
                let figure = figures.iter().find(|figure| figure.name == name);
                let shown = |seconds| result.shown(operation, seconds);
                let cell =
                    |figure: &Figure| format!("{:.2} / {:.2}", shown(figure.best()), shown(figure.median()));
                figure.map_or(String::new(), cell)
            });
            table += &line(&format!("  {name}"), cells);
        }
        table += &comparison_lines(operation, &figures);
    }
    table
}

fn comparison_lines(operation: Operation, figures: &[Vec<Figure>]) -> String {
    let comparisons: Vec<Option<Comparison>> =
        figures.iter().map(|figures| Comparison::of(figures)).collect();
    let to_floor = comparisons.iter().map(|comparison| {
        let ratio = comparison.as_ref().and_then(|comparison| comparison.to_floor);
        ratio.map_or(String::new(), |ratio| format!("{:.2}", shown_ratio(operation, ratio)))
    });
    let to_peer = comparisons.iter().map(|comparison| {
        let peer = comparison.as_ref().and_then(|comparison| comparison.to_peer);
        peer.map_or(String::new(), |(ratio, name)| format!("{name} {:.2}", shown_ratio(operation, ratio)))
    });
    let rows: [(&str, Vec<String>); 2] =
        [("  ours / floor", to_floor.collect()), ("  ours / best peer", to_peer.collect())];
    rows.into_iter()
        .filter(|(_, cells)| cells.iter().any(|cell| !cell.is_empty()))
        .map(|(title, cells)| line(title, cells))
        .collect()
}

/// An array of rows; ours carries its ratios: to the floor, to the best peer, and to each by name.
pub(crate) fn json(results: &[SizeResult], operations: &[Operation]) -> String {
    let mut rows = Vec::new();
    for result in results {
        for &operation in operations {
            let figures = result.figures(operation);
            for figure in &figures {
                let Figure { name, variant, role, .. } = figure;
                let ratios =
                    if *role == Role::Ours { json_ratios(operation, &figures) } else { String::new() };
                rows.push(format!(
                    r#"{{"op":"{}","threads":{},"blob":{},"name":"{name}","variant":"{variant}","unit":"{}","best":{:.3},"median":{:.3}{ratios}}}"#,
                    operation.name(),
                    operation.threads(),
                    result.blob_length,
                    operation.unit(),
                    result.shown(operation, figure.best()),
                    result.shown(operation, figure.median()),
                ));
            }
        }
    }
    json_array(&rows)
}

fn json_ratios(operation: Operation, figures: &[Figure]) -> String {
    let Some(Comparison { to_floor, to_peer }) = Comparison::of(figures) else { return String::new() };
    let shown = Comparison {
        to_floor: to_floor.map(|ratio| shown_ratio(operation, ratio)),
        to_peer: to_peer.map(|(ratio, name)| (shown_ratio(operation, ratio), name)),
    };
    let ours = figures.iter().find(|figure| figure.role == Role::Ours);
    let others = figures.iter().filter(|figure| figure.role != Role::Ours);
    let to_each =
        ours.into_iter().flat_map(|ours| others.clone().map(move |other| (other, ours.ratio_to(other))));
    let to_each: Vec<String> = to_each
        .map(|(other, ratio)| format!(r#""{}":{:.3}"#, other.name, shown_ratio(operation, ratio)))
        .collect();
    format!(r#"{},"to":{{{}}}"#, shown.json_fields(), to_each.join(","))
}
