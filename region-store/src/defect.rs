//! How a test makes mistakes on purpose, to see that its checker finds them. None can be made outside of tests.

/// Lets a kind of mistakes be planted, for as long as something is done, in what the same thread does.
macro_rules! plantable {
    ($defect:ty) => {
        #[cfg(test)]
        std::thread_local! {
            static PLANTED: std::cell::Cell<Option<$defect>> = const { std::cell::Cell::new(None) };
        }

        /// Does something with a mistake.
        #[cfg(test)]
        pub(super) fn with<T>(defect: $defect, doing: impl FnOnce() -> T) -> T {
            PLANTED.set(Some(defect));
            let done = doing();
            PLANTED.set(None);
            done
        }

        /// What is planted in this thread.
        #[cfg(test)]
        pub(super) fn current() -> Option<$defect> {
            PLANTED.get()
        }

        /// What is planted in this thread: nothing.
        #[cfg(not(test))]
        pub(super) const fn current() -> Option<$defect> {
            None
        }

        pub(super) fn planted(defect: $defect) -> bool {
            current() == Some(defect)
        }
    };
}

pub(crate) use plantable;
