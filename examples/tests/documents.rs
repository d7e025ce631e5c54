//! What the documents name is there: the files they link or quote, and the tests that are said to show something.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn documents_name_what_exists() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sources = sources_in(&workspace);
    let mut missing = Vec::new();
    // The others name what is in other folders, or elsewhere.
    for (document, names_sources) in [
        ("README.md", true),
        ("CHANGELOG.md", true),
        ("docs/architecture.md", true),
        ("docs/porting.md", false),
        ("docs/server.md", false),
        ("docs/store.md", false),
        ("examples/README.md", false),
    ] {
        let path = workspace.join(document);
        let text = read(&path);
        let folder = path.parent().expect("a document is in a folder");
        let links = between(&text, "](", ")").filter(|link| !link.contains("://"));
        missing.extend(
            links.filter(|link| !folder.join(link).exists()).map(|link| format!("{document}: {link}")),
        );
        if !names_sources {
            continue;
        }
        let quoted = between(&text, "test ", " ... ok").filter_map(|test| test.rsplit("::").next());
        for name in between(&text, "`", "`").chain(quoted) {
            let exists = if is_path(name) {
                workspace.join(name).exists()
            } else {
                !is_test(name) || sources.iter().any(|source| source.contains(&format!("fn {name}(")))
            };
            if !exists {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "named, but not there: {missing:#?}");
}

#[test]
fn the_porting_guide_names_what_the_header_has() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let header = read(&workspace.join("include/sector_cache.h"));
    let declared: HashSet<&str> = words(&header).collect();
    let guide = read(&workspace.join("docs/porting.md"));
    let ours = ["sector_cache_", "vdisk_session_", "vdisk_client_", "SECTOR_CACHE_", "VDISK_"];
    let named = words(&guide).filter(|word| ours.iter().any(|prefix| word.starts_with(prefix)));
    let missing: Vec<&str> = named.filter(|word| !declared.contains(word)).collect();
    assert!(missing.is_empty(), "named, but not in the header: {missing:?}");
}

/// The guide is installed without what it quotes from.
#[test]
fn the_porting_guide_quotes_what_the_examples_print() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let sources =
        ["examples/README.md", "examples/m4-firmware/README.md"].map(|name| read(&workspace.join(name)));
    let printed: HashSet<&str> = sources.iter().flat_map(|text| text.lines()).collect();
    let guide = read(&workspace.join("docs/porting.md"));
    let blocks = guide.split("```text\n").skip(1).filter_map(|rest| rest.split("```").next());
    let quoted: Vec<&str> = blocks.flat_map(str::lines).collect();
    assert!(!quoted.is_empty());
    let missing: Vec<&&str> = quoted.iter().filter(|line| !printed.contains(*line)).collect();
    assert!(missing.is_empty(), "quoted, but not there: {missing:#?}");
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character != '_' && !character.is_ascii_alphanumeric())
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between the marks, on one line.
fn between<'t>(text: &'t str, start: &'t str, end: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines().filter(|line| !line.starts_with("```")).flat_map(move |mut line| {
        std::iter::from_fn(move || {
            let (_, rest) = line.split_once(start)?;
            let (found, rest) = rest.split_once(end)?;
            line = rest;
            Some(found)
        })
    })
}

fn is_path(name: &str) -> bool {
    name.contains('/') && !name.contains([' ', '<', '{', '('])
}

/// Tests have long names.
fn is_test(name: &str) -> bool {
    name.matches('_').count() >= 4
        && name
            .chars()
            .all(|character| character.is_ascii_lowercase() || character == '_' || character.is_ascii_digit())
}

/// All Rust in the workspace, but for what a build left there.
fn sources_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the workspace can be read");
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("its folders can be").path()).collect();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let wanted = |path: &&PathBuf| !["target", "build", ".git"].iter().any(|name| path.ends_with(name));
    let rust = files.iter().filter(|path| path.extension().is_some_and(|ending| ending == "rs"));
    rust.map(|path| read(path))
        .chain(folders.iter().filter(wanted).flat_map(|path| sources_in(path)))
        .collect()
}
