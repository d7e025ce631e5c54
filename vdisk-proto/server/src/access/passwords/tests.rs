use super::*;

/// The cheapest hash there is, of "correct horse".
pub(crate) fn cheap() -> String {
    cheap_of(Params::DEFAULT_OUTPUT_LEN)
}

/// The same with an output of so many bytes.
fn cheap_of(length: usize) -> String {
    let params = Params::new(8, 1, 1, Some(length)).unwrap();
    let salt = SaltString::encode_b64(&[7; SALT_LENGTH]).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password(b"correct horse", &salt).unwrap().to_string()
}

fn read(text: &str) -> Result<Table, PasswordFileError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    Table::read(file.path())
}

#[test]
fn lines_are_read_with_their_channels() {
    let hash = cheap();
    let text = format!("# who\n\n a:{hash}\r\n  # more\nb:{hash}:c, d\nalice:{hash}:*");
    let table = read(&text).unwrap();
    let grant = |name| table.get(&Identity::new(name).unwrap()).map(|entry| entry.grant.clone());
    let channels = ["c", "d"].map(|name| Channel::new(name).unwrap()).to_vec();
    assert_eq!(grant("a"), Some(Grant::Channels(Vec::new())));
    assert_eq!(grant("b"), Some(Grant::Channels(channels)));
    assert_eq!(grant("alice"), Some(Grant::Operator));
    assert_eq!(grant("c"), None);
}

#[test]
fn only_the_right_password_of_the_right_user_is_one() {
    let table = read(&format!("a:{}", cheap())).unwrap();
    assert_eq!(table.check("a", b"correct horse"), Identity::new("a").ok());
    let long = [&b"correct horse"[..], &[0; 70_000]].concat();
    for (user, password) in [
        ("a", &b"correct hors"[..]),
        ("a", b"correct horse "),
        ("a", b""),
        ("a", &long),
        ("b", b"correct horse"),
        ("", b"correct horse"),
        ("a/b", b""),
        ("A", b"correct horse"),
    ] {
        assert_eq!(table.check(user, password), None, "{user}");
    }
}

#[test]
fn who_is_unknown_costs_what_the_costliest_does() {
    let salt_and_hash = cheap().split('$').skip(4).collect::<Vec<_>>().join("$");
    let with = |params: &str| format!("$argon2id$v=19${params}${salt_and_hash}");
    let table =
        read(&format!("a:{}\nb:{}\nc:{}", with("m=8,t=1,p=1"), with("m=16,t=3,p=1"), with("m=32,t=1,p=1")));
    let unknown = table.unwrap().unknown;
    assert_eq!((unknown.m_cost(), unknown.t_cost()), (16, 3));
}

#[test]
fn a_line_that_is_none_is_named() {
    let hash = cheap();
    let salt_and_hash = hash.split('$').skip(4).collect::<Vec<_>>().join("$");
    for (line, word) in [
        ("a".to_owned(), "user:hash"),
        (format!(":{hash}"), "1 to 32 characters"),
        (format!("a/b:{hash}"), "at byte 1"),
        (format!("vdisk-server:{hash}"), "server's own"),
        (format!("first:{hash}"), "in line 2 already"),
        ("a:".to_owned(), "argon2id"),
        ("a:secret".to_owned(), "argon2id"),
        ("a:$2y$10$abcdefghijklmnopqrstuv".to_owned(), "argon2id"),
        (format!("a:{}", hash.replace("argon2id", "argon2i")), "but of argon2i"),
        (format!("a:{}", hash.replace("v=19", "v=16")), "version 19"),
        (format!("a:{}", hash.replace("v=19$", "")), "version 19"),
        ("a:$argon2id$v=19$m=8,t=1,p=1".to_owned(), "lacks a salt"),
        (format!("a:{}", cheap_of(16).rsplit_once('$').unwrap().0), "or 16 bytes"),
        (format!("a:{}", cheap_of(15)), "or 16 bytes"),
        (format!("a:$argon2id$v=19$m=65537,t=1,p=1${salt_and_hash}"), "m=65536"),
        (format!("a:$argon2id$v=19$m=8,t=9,p=1${salt_and_hash}"), "t=8"),
        (format!("a:$argon2id$v=19$m=64,t=1,p=5${salt_and_hash}"), "p=4"),
        (format!("a:$argon2id$v=19$m=4294967295,t=4294967295,p=1${salt_and_hash}"), "m=65536"),
        (format!("a:{hash}:"), "after the last colon"),
        (format!("a:{hash}:b,"), "after the last colon"),
        (format!("a:{hash}:+"), "after the last colon"),
        (format!("a:{hash}:*,b"), "after the last colon"),
        (format!("a:{hash}:b:c"), "after the last colon"),
    ] {
        let error = read(&format!("# who\nfirst:{hash}\n{line}\n")).unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, PasswordFileError::Line { line: 3, .. }), "{line}: {message}");
        assert!(message.contains("line 3: ") && message.contains(word), "{line}: {message}");
        assert!(!message.contains(&salt_and_hash), "a message tells a hash: {message}");
    }
}

#[test]
fn a_hash_may_be_as_short_and_cost_as_much_as_is_said() {
    let salt_and_hash = cheap_of(16).split('$').skip(4).collect::<Vec<_>>().join("$");
    for params in ["m=8,t=1,p=1", "m=65536,t=1,p=1", "m=8,t=8,p=1", "m=32,t=1,p=4"] {
        read(&format!("a:$argon2id$v=19${params}${salt_and_hash}")).unwrap();
    }
}

#[test]
fn what_is_printed_of_a_table_tells_no_hash() {
    let hash = cheap();
    let printed = format!("{:?}", read(&format!("# who\na:{hash}")).unwrap());
    assert!(printed.contains("Entry(line 2)"), "{printed}");
    assert!(!printed.contains(hash.rsplit_once('$').unwrap().1), "{printed}");
}

#[test]
fn a_file_that_is_none_is_refused() {
    let message = |text: &str| read(text).unwrap_err().to_string();
    assert!(message("").contains("nobody is in"));
    assert!(message("# nobody\n\n").contains("nobody is in"));
    let most_bytes = usize::try_from(MAX_BYTES).unwrap();
    for longest in ["\n".repeat(MAX_LINES), "#".repeat(most_bytes)] {
        assert!(message(&longest).contains("nobody is in"));
    }
    for longer in ["\n".repeat(MAX_LINES + 1), "#".repeat(most_bytes + 1)] {
        assert!(message(&longer).contains("longer than"));
    }
    let missing = Table::read(Path::new("/nonexistent/passwords")).unwrap_err().to_string();
    assert!(missing.contains("/nonexistent/passwords cannot be read"), "{missing}");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), b"a:\xff\n").unwrap();
    assert!(matches!(Table::read(file.path()), Err(PasswordFileError::Unreadable { .. })));
}

#[test]
fn a_line_that_was_made_is_read_back() {
    let user = Identity::new("alice").unwrap();
    let channels = Grant::Channels(["b", "c"].map(|name| Channel::new(name).unwrap()).to_vec());
    let own = Grant::Channels(Vec::new());
    let [operator, more, _own] = [Grant::Operator, channels, own].map(|grant| {
        let line = hash_password(user, b"12345678", &grant).unwrap();
        let table = read(&line).unwrap();
        assert_eq!(table.get(&user).unwrap().grant, grant);
        line
    });
    assert!(operator.starts_with("alice:$argon2id$v=19$m=19456,t=2,p=1$") && operator.ends_with(":*"));
    assert!(more.ends_with(":b,c"));
    assert_ne!(operator.get(..80), more.get(..80), "they have the same salt");
    assert_eq!(read(&operator).unwrap().check("alice", b"12345678"), Some(user));
}

#[test]
fn a_password_is_neither_short_nor_endless() {
    let user = Identity::new("alice").unwrap();
    for length in [0, 7, 1_025] {
        let refused = hash_password(user, &vec![b'x'; length], &Grant::Operator);
        assert_eq!(refused, Err(PasswordError::Length(length)));
    }
}
