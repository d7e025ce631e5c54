//! Where answers go.

use std::future::Future;

use vdisk_proto::service::Transmit;

use crate::engine::Engine;

/// A broker that answers are published through.
pub(crate) trait Publish: Send + Sync + 'static {
    /// Publishes an answer, or drops it where there is no way for it: whoever asked asks again.
    fn publish(&self, transmit: Transmit) -> impl Future<Output = ()> + Send;

    /// Publishes all answers that wait.
    fn publish_all(&self, engine: &Engine) -> impl Future<Output = ()> + Send {
        async {
            while let Some(transmit) = engine.next_answer() {
                self.publish(transmit).await;
            }
        }
    }
}
