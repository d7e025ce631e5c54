//! A server of virtual disks over MQTT, for Altair 8800 emulators and whoever speaks their protocol.
//!
//! The binary `vdisk-server` is what most people want. A program that needs a server inside starts a [`Server`]:
//!
//! ```no_run
//! use vdisk_server::options::Serve;
//! use vdisk_server::{Server, Settings};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let options = Serve { data: Some("disks".into()), listen: Some("127.0.0.1:0".parse()?), ..Serve::default() };
//! let server = Server::start(&Settings::new(&options)?).await?;
//! println!("devices connect to {:?}", server.address());
//! server.stop().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The protocol is [`vdisk_proto`]'s; here are the broker, threads, files and options around it.

#![forbid(unsafe_code)]

pub mod access;
pub mod certs;
mod checks;
mod claim;
pub mod commands;
mod complaints;
mod embedded;
mod engine;
mod error;
mod joined;
mod news;
pub mod options;
mod pace;
pub mod platform;
mod publish;
pub mod screen;
mod server;
mod settings;
pub mod tls;

pub use error::ServerError;
pub use server::Server;
pub use settings::{BrokerSettings, Settings};
