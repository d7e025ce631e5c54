use std::fs;
use std::future::{Future, poll_fn};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::task::Poll;

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use tokio_rustls::{TlsConnector, client};

use super::*;
use crate::certs::{self, Order};

/// A front with certificates for `device`, before a broker that is the test.
struct Scene {
    folder: tempfile::TempDir,
    front: Front,
    address: SocketAddr,
    broker: TcpListener,
    peers: Arc<Peers>,
}

type Client = client::TlsStream<TcpStream>;

const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends a test that would hang. Of the real clock, so not for those that pause it.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it hangs")
}

fn certificates(folder: &Path) {
    let devices = vec![Identity::new("device").unwrap()];
    let order = Order { folder: folder.to_path_buf(), hosts: certs::default_hosts(), devices };
    certs::make(&order).unwrap();
}

fn files(folder: &Path) -> TlsFiles {
    let file = |name| folder.join(name);
    TlsFiles { certificate: file("server.pem"), key: file("server.key"), client_authority: file("ca.pem") }
}

impl Scene {
    async fn new() -> Self {
        Self::with(LIMITS).await
    }

    async fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        certificates(folder.path());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, peers) = (listener.local_addr().unwrap(), Arc::default());
        let backend = broker.local_addr().unwrap();
        let front =
            Front::start_with(limits, listener, &files(folder.path()), backend, Arc::clone(&peers)).unwrap();
        Self { folder, front, address, broker, peers }
    }

    /// A certificate and key of a folder's files.
    fn named(&self, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        pair(self.folder.path(), name)
    }

    /// A client's certificate that the authority signed, with a common name of any kind.
    fn odd(&self, common_name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let text = |name| fs::read_to_string(self.folder.path().join(name)).unwrap();
        let authority = KeyPair::from_pem(&text("ca.key")).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&text("ca.pem"), authority).unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
    }

    async fn connect(
        &self,
        proof: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> io::Result<Client> {
        let mut authorities = RootCertStore::empty();
        authorities.add(self.named("ca").0).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(authorities);
        let config = match proof {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A client of `device` that got through, and its connection as the broker sees it.
    async fn let_through(&self, versions: &[&'static SupportedProtocolVersion]) -> (Client, TcpStream) {
        let mut client = self.connect(Some(self.named("device")), versions).await.unwrap();
        client.write_all(b"CONNECT").await.unwrap();
        let (mut broker, port) = self.broker.accept().await.unwrap();
        assert_eq!(read(&mut broker, 7).await, b"CONNECT");
        assert_eq!(self.peers.identity(port).unwrap().as_str(), "device");
        (client, broker)
    }

    /// Nothing came to the broker.
    async fn nobody_came(&self) {
        let came = poll_fn(|context| Poll::Ready(self.broker.poll_accept(context).is_ready())).await;
        assert!(!came, "somebody came to the broker");
    }
}

fn pair(folder: &Path, name: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let file = |extension| folder.join(format!("{name}.{extension}"));
    let certificate = CertificateDer::from_pem_slice(&fs::read(file("pem")).unwrap()).unwrap();
    (certificate, PrivateKeyDer::from_pem_slice(&fs::read(file("key")).unwrap()).unwrap())
}

async fn read(stream: &mut (impl tokio::io::AsyncRead + Unpin), length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// All that comes until the other end hangs up, in whatever way.
async fn until_the_end(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _end = stream.read_to_end(&mut bytes).await;
    bytes
}

#[tokio::test]
async fn a_certificate_gets_through_with_its_identity() {
    let scene = Scene::new().await;
    for versions in [&[&TLS12][..], &[&TLS13], BOTH] {
        soon(async {
            let (mut client, mut broker) = scene.let_through(versions).await;
            let port = broker.peer_addr().unwrap();
            let long = vec![7; 300_000];
            let ((), answer) =
                tokio::join!(async { broker.write_all(&long).await.unwrap() }, read(&mut client, long.len()));
            assert_eq!(answer, long);
            drop(broker);
            assert_eq!(until_the_end(&mut client).await, b"");
            while scene.peers.identity(port).is_some() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// As the board in the field does, of whose TLS we have no other likeness.
#[tokio::test]
async fn openssl_gets_through_with_tls_1_2() {
    let Some(openssl) = real_parts::program("openssl") else { return };
    let scene = Scene::new().await;
    let mut client = Command::new(openssl)
        .current_dir(scene.folder.path())
        .args(["s_client", "-quiet", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"])
        .args(["-CAfile", "ca.pem", "-verify_return_error", "-verify_ip", "127.0.0.1"])
        .args(["-cert", "device.pem", "-key", "device.key", "-connect", &scene.address.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    client.stdin.as_mut().unwrap().write_all(b"CONNECT").unwrap();
    soon(async {
        let (mut broker, port) = scene.broker.accept().await.unwrap();
        assert_eq!(read(&mut broker, 7).await, b"CONNECT");
        assert_eq!(scene.peers.identity(port).unwrap().as_str(), "device");
    })
    .await;
    client.kill().unwrap();
    client.wait().unwrap();
}

#[tokio::test]
async fn an_identity_stays_until_the_broker_has_hung_up() {
    let scene = Scene::new().await;
    soon(async {
        let (mut client, mut broker) = scene.let_through(BOTH).await;
        let port = broker.peer_addr().unwrap();
        client.write_all(b"PUBLISH").await.unwrap();
        client.shutdown().await.unwrap();
        drop(client);
        assert_eq!(until_the_end(&mut broker).await, b"PUBLISH");
        assert!(scene.peers.identity(port).is_some());
        drop(broker);
        while scene.peers.identity(port).is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_the_broker_says_last_arrives() {
    let scene = Scene::new().await;
    soon(async {
        let (mut client, mut broker) = scene.let_through(BOTH).await;
        client.shutdown().await.unwrap();
        assert_eq!(until_the_end(&mut broker).await, b"");
        broker.write_all(b"DISCONNECT").await.unwrap();
        drop(broker);
        assert_eq!(until_the_end(&mut client).await, b"DISCONNECT");
    })
    .await;
}

#[tokio::test]
async fn without_a_good_certificate_nobody_gets_through() {
    let scene = Scene::new().await;
    let strangers = tempfile::tempdir().unwrap();
    certificates(strangers.path());
    for (case, proof) in [
        ("none", None),
        ("another authority's", Some(pair(strangers.path(), "device"))),
        ("a server's", Some(scene.named("server"))),
        ("the authority's own", Some(scene.named("ca"))),
        ("of a wildcard", Some(scene.odd("+"))),
        ("of two levels", Some(scene.odd("device/dev"))),
        ("of the server's name", Some(scene.odd("vdisk-server"))),
        ("of no name", Some(scene.odd(""))),
        ("of a long name", Some(scene.odd(&"x".repeat(33)))),
    ] {
        for versions in [&[&TLS12][..], &[&TLS13]] {
            let proof = proof.as_ref().map(|(certificate, key)| (certificate.clone(), key.clone_key()));
            soon(async {
                if let Ok(mut client) = scene.connect(proof, versions).await {
                    let _may_be_too_late = client.write_all(b"CONNECT").await;
                    assert_eq!(until_the_end(&mut client).await, b"", "{case}");
                }
            })
            .await;
            scene.nobody_came().await;
        }
    }
    // What was odd about them was the name.
    soon(async {
        let mut client = scene.connect(Some(scene.odd("other")), BOTH).await.unwrap();
        client.write_all(b"CONNECT").await.unwrap();
        let (mut broker, port) = scene.broker.accept().await.unwrap();
        assert_eq!(read(&mut broker, 7).await, b"CONNECT");
        assert_eq!(scene.peers.identity(port).unwrap().as_str(), "other");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_tls_of_today_is_refused() {
    let scene = Scene::new().await;
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3];
    let hello_of_1_1 =
        [&[22, 3, 1, 0, 69, 1, 0, 0, 65, 3, 2][..], &[7; 32], &[0, 0, 2, 0xc0, 9, 1, 0, 0, 22], &extensions]
            .concat();
    for (bytes, alert) in [
        (&hello_of_1_1[..], Some(70)),
        (b"\x10\x10\0\x04MQTT\x04\x02\0\x3c\0\x04test", None),
        (b"GET / HTTP/1.1\r\n\r\n", None),
        (&[0; 1000], None),
        (&[0xff; 100_000], None),
    ] {
        soon(async {
            let mut client = TcpStream::connect(scene.address).await.unwrap();
            let _may_be_cut_off = client.write_all(bytes).await;
            let answer = until_the_end(&mut client).await;
            if let Some(alert) = alert {
                assert_eq!(answer.get(..1), Some(&[0x15][..]), "no alert: {answer:?}");
                assert_eq!(answer.last(), Some(&alert));
            }
        })
        .await;
        scene.nobody_came().await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_cut_off() {
    let scene = Scene::new().await;
    let began = Instant::now();
    let mut client = TcpStream::connect(scene.address).await.unwrap();
    assert_eq!(until_the_end(&mut client).await, b"");
    assert!((HANDSHAKE_TIMEOUT..HANDSHAKE_TIMEOUT * 2).contains(&began.elapsed()));
    scene.nobody_came().await;
}

#[tokio::test]
async fn one_address_has_a_few_handshakes_at_once() {
    let scene = Scene::with(Limits { handshakes_of_one: 2, ..LIMITS }).await;
    let silent = || async { TcpStream::connect(scene.address).await.unwrap() };
    let _two = (silent().await, silent().await);
    let mut third = silent().await;
    timeout(HANDSHAKE_TIMEOUT / 2, until_the_end(&mut third)).await.expect("it was not cut off at once");
}

#[tokio::test]
async fn handshakes_wait_for_each_other() {
    let scene = Scene::with(Limits { handshakes: 1, ..LIMITS }).await;
    let connect = || scene.connect(Some(scene.named("device")), BOTH);
    let clients = soon(async { tokio::join!(connect(), connect(), connect(), connect()) }).await;
    assert!(clients.0.is_ok() && clients.1.is_ok() && clients.2.is_ok() && clients.3.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_handshake_is_cut_off_too() {
    let scene = Scene::with(Limits { handshakes: 0, ..LIMITS }).await;
    let began = Instant::now();
    scene.connect(Some(scene.named("device")), BOTH).await.unwrap_err();
    assert!((HANDSHAKE_TIMEOUT..HANDSHAKE_TIMEOUT * 2).contains(&began.elapsed()));
}

#[tokio::test]
async fn connections_are_bounded() {
    let scene = Scene::with(Limits { connections: 1, ..LIMITS }).await;
    let first = soon(scene.let_through(BOTH)).await;
    let mut second = TcpStream::connect(scene.address).await.unwrap();
    timeout(HANDSHAKE_TIMEOUT / 2, until_the_end(&mut second)).await.expect("it was not cut off at once");
    drop(first);
    soon(async { while scene.connect(Some(scene.named("device")), BOTH).await.is_err() {} }).await;
}

#[tokio::test]
async fn stopping_ends_all() {
    let scene = Scene::new().await;
    soon(async {
        let (mut client, mut broker) = scene.let_through(BOTH).await;
        let mut silent = TcpStream::connect(scene.address).await.unwrap();
        let port = broker.peer_addr().unwrap();
        scene.front.stop().await;
        assert_eq!(scene.peers.identity(port), None);
        for stream in [&mut broker, &mut silent] {
            assert_eq!(until_the_end(stream).await, b"");
        }
        assert_eq!(until_the_end(&mut client).await, b"");
        TcpStream::connect(scene.address).await.unwrap_err();
    })
    .await;
}

#[tokio::test]
async fn a_broker_that_is_away_ends_the_connection() {
    let scene = Scene::new().await;
    drop(scene.broker);
    let broker = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let scene = Scene { broker, ..scene };
    soon(async {
        if let Ok(mut client) = scene.connect(Some(scene.named("device")), BOTH).await {
            assert_eq!(until_the_end(&mut client).await, b"");
        }
    })
    .await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let text = folder.path().join("text.pem");
    fs::write(&text, "no certificate").unwrap();
    let (good, missing) = (files(folder.path()), folder.path().join("missing.pem"));
    for (files, path) in [
        (TlsFiles { certificate: missing.clone(), ..good.clone() }, "missing.pem"),
        (TlsFiles { certificate: text.clone(), ..good.clone() }, "text.pem"),
        (TlsFiles { key: text.clone(), ..good.clone() }, "text.pem"),
        (TlsFiles { key: folder.path().join("device.key"), ..good.clone() }, "device.key"),
        (TlsFiles { client_authority: text, ..good.clone() }, "text.pem"),
        (TlsFiles { client_authority: missing, ..good }, "missing.pem"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let broker = listener.local_addr().unwrap();
        let error = Front::start(listener, &files, broker, Arc::default()).unwrap_err();
        assert!(matches!(error, TlsError::File { .. }) && error.to_string().contains(path), "{error}");
    }
}
