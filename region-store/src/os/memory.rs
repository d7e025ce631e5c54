//! How much memory there is for this process.

/// Bytes that this process may have: the machine's, or what its control groups allow, if that is less. `None` where that is
/// not known.
pub(crate) fn memory_bytes() -> Option<u64> {
    #[cfg(target_os = "linux")]
    {
        let read = |path: &str| std::fs::read_to_string(path).ok();
        let machine = read("/proc/meminfo").as_deref().and_then(total);
        let groups = read("/proc/self/cgroup").unwrap_or_default();
        files(&groups).filter_map(|path| limit(&read(&path)?)).chain(machine).min()
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// What `/proc/meminfo` says.
#[cfg(any(target_os = "linux", test))]
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok()?.checked_mul(1_024)
}

/// Where the limits of the control groups are that `/proc/self/cgroup` tells of, and of those around them.
#[cfg(any(target_os = "linux", test))]
fn files(groups: &str) -> impl Iterator<Item = String> {
    groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            other if other.split(',').any(|controller| controller == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => return Vec::new(),
        };
        let path = path.trim_end_matches('/');
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| Some(format!("{root}{}/{name}", path.get(..end)?))).collect()
    })
}

/// What a limit says; `None` if there is none.
#[cfg(any(target_os = "linux", test))]
fn limit(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read() {
        assert_eq!(total("MemFree: 1 kB\nMemTotal:       16 kB\n"), Some(16_384));
        assert_eq!(total("MemTotal: much"), None);
    }

    #[test]
    fn limits_are_looked_for_in_all_groups_around() {
        let found: Vec<_> = files("12:cpu,memory:/a\n3:freezer:/x\n0::/b/c\n0::/\nnonsense").collect();
        let expected = [
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/a/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory.max",
            "/sys/fs/cgroup/b/memory.max",
            "/sys/fs/cgroup/b/c/memory.max",
            "/sys/fs/cgroup/memory.max",
        ];
        assert_eq!(found[..6], expected);
        assert_eq!((limit("max\n"), limit("4096\n")), (None, Some(4_096)));
    }

    #[test]
    #[cfg(target_os = "linux")]
    #[cfg_attr(miri, ignore = "it has no such files")]
    fn there_is_some_here() {
        assert!(memory_bytes().is_some_and(|bytes| bytes > 1 << 20));
    }
}
