//! Makes a manual of what cbindgen writes.
//!
//! What its options cannot say: a comment that fits has one line; one that starts with a heading starts a section, and
//! what is above a line `---` in it is the section's and not the declaration's;
//! nothing is said of safety, which is Rust's word for what the manual says in its own; long declarations are broken;
//! negative numbers have parentheses; no comment is C++'s; and what is declared on a host alone, one thing after the
//! other, has one condition.

/// Columns of the header.
pub(crate) const WIDTH: usize = 120;

/// Lays out a header with comments in the style "doxy".
pub(crate) fn lay_out(generated: &str) -> String {
    let mut header = String::new();
    let mut lines = generated.lines();
    let mut after_blank = false;
    while let Some(line) = lines.next() {
        let written = match line.strip_suffix("/**") {
            Some(indent) => {
                let body: Vec<&str> =
                    lines.by_ref().map(str::trim_start).take_while(|line| *line != "*/").collect();
                comment(indent, &body)
            }
            None => declaration(line),
        };
        // One empty line sets things apart.
        if !(written.is_empty() && after_blank) {
            header += &written;
            header.push('\n');
        }
        after_blank = written.is_empty();
    }
    header.replace("#endif\n\n#if defined(SECTOR_CACHE_HOSTED)\n", "\n")
}

/// A comment of lines that start with `*`.
fn comment(indent: &str, body: &[&str]) -> String {
    let text = body.iter().map(|line| line.trim_start_matches('*'));
    let text: Vec<&str> = text.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()).collect();
    let text = text.split(|line| *line == "# Safety").next().unwrap_or_default().join("\n");
    if let Some((heading, rest)) = text.strip_prefix("# ").and_then(|text| text.split_once('\n')) {
        let blocks: Vec<String> = rest.split("\n---\n").map(|text| block(indent, text.trim())).collect();
        return banner(heading) + "\n\n" + &blocks.join("\n\n");
    }
    block(indent, text.trim())
}

fn banner(heading: &str) -> String {
    format!("/* {:-<1$} */", heading.to_owned() + " ", WIDTH - "/*  */".len())
}

fn block(indent: &str, text: &str) -> String {
    let one_line = format!("{indent}/* {text} */");
    if !text.contains('\n') && one_line.len() <= WIDTH {
        return one_line;
    }
    let lines = text.lines().map(|line| format!("{indent} * {line}").trim_end().to_owned() + "\n");
    format!("{indent}/*\n{}{indent} */", lines.collect::<String>())
}

/// A line that is no comment.
fn declaration(line: &str) -> String {
    if let Some((code, remark)) = line.split_once("// ") {
        return format!("{} /* {remark} */", code.trim_end());
    }
    match line.rsplit_once(' ') {
        Some((define, number)) if define.starts_with("#define") && number.starts_with('-') => {
            format!("{define} ({number})")
        }
        _ => broken(line),
    }
}

/// A declaration in as many lines as it takes.
fn broken(line: &str) -> String {
    let end = line.char_indices().nth(WIDTH).map_or(line.len(), |(end, _)| end);
    match line.split_at(end).0.rfind(", ") {
        Some(comma) if end < line.len() && line.ends_with(");") => {
            let (start, rest) = line.split_at(comma + 1);
            format!("{start}\n{}", broken(&format!("    {}", rest.trim_start())))
        }
        _ => line.to_owned(),
    }
}
