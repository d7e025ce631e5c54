//! Where answers go.

use std::future::Future;

use vdisk_proto::service::Transmit;

use crate::engine::{Answer, Engine};

/// A broker that answers are published through.
pub(crate) trait Publish: Send + Sync + 'static {
    /// Publishes an answer, or drops it where there is no way for it: whoever asked asks again.
    fn publish(&self, transmit: Transmit) -> impl Future<Output = ()> + Send;

    /// Publishes all answers that wait.
    fn publish_all(&self, engine: &Engine) -> impl Future<Output = ()> + Send {
        async {
            self.publish_from(engine.next_answer(), engine).await;
        }
    }

    /// Publishes an answer, if it is one, and all that wait behind it.
    fn publish_from(&self, first: Option<Answer>, engine: &Engine) -> impl Future<Output = ()> + Send {
        async move {
            let mut next = first;
            while let Some(Answer { transmit, is_last }) = next {
                self.publish(transmit).await;
                next = if is_last { None } else { engine.next_answer() };
            }
        }
    }
}
