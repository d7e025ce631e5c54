//! Whom a certificate names.

use rustls::pki_types::CertificateDer;

use crate::access::{Identity, IdentityError};

/// Why a certificate names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NameError {
    #[error("the certificate cannot be read")]
    Unreadable,
    #[error("it has to have one common name, and has none or more")]
    Count,
    #[error("it is not in ASCII or UTF-8")]
    Encoding,
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The identity in the first certificate of a chain, which was verified.
pub(super) fn identity(chain: Option<&[CertificateDer<'_>]>) -> Result<Identity, NameError> {
    let leaf = chain.and_then(<[_]>::first).ok_or(NameError::Unreadable)?;
    let (_, certificate) = x509_parser::parse_x509_certificate(leaf).map_err(|_| NameError::Unreadable)?;
    let mut names = certificate.subject().iter_common_name();
    let (Some(name), None) = (names.next(), names.next()) else { return Err(NameError::Count) };
    Ok(Identity::new(name.as_str().map_err(|_| NameError::Encoding)?)?)
}

#[cfg(test)]
mod tests {
    use rcgen::string::BmpString;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};
    use vdisk_proto::codec::ChannelError;

    use super::*;

    fn certificate(name: DistinguishedName) -> CertificateDer<'static> {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name = name;
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    }

    fn named(value: impl Into<DnValue>) -> Result<Identity, NameError> {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, value);
        identity(Some(&[certificate(name)]))
    }

    #[test]
    fn a_common_name_is_an_identity_or_is_refused() {
        assert_eq!(named("12345678").unwrap().as_str(), "12345678");
        for (name, at) in [("+", 0), ("a/b", 1), ("a#", 1), ("a\0", 1), ("a,CN=b", 1), ("caf\u{e9}", 3)] {
            let error = IdentityError::Channel(ChannelError::Character { at });
            assert_eq!(named(name), Err(NameError::Identity(error)), "{name:?}");
        }
        for length in [0, 33, 300] {
            let error = IdentityError::Channel(ChannelError::Length { length });
            assert_eq!(named("x".repeat(length)), Err(NameError::Identity(error)));
        }
        assert_eq!(named("vdisk-server"), Err(NameError::Identity(IdentityError::Reserved)));
        assert_eq!(named(DnValue::BmpString(BmpString::try_from("abc").unwrap())), Err(NameError::Encoding));
        assert_eq!(identity(Some(&[certificate(DistinguishedName::new())])), Err(NameError::Count));
        assert_eq!(identity(None), Err(NameError::Unreadable));
        assert_eq!(identity(Some(&[])), Err(NameError::Unreadable));
    }

    #[test]
    fn no_bytes_of_a_certificate_make_it_panic() {
        let mut name = DistinguishedName::new();
        name.push(DnType::CommonName, "12345678");
        let good = certificate(name);
        for at in 0..good.len() {
            assert_eq!(identity(Some(&[good[..at].into()])), Err(NameError::Unreadable), "cut at {at}");
            for value in [0, 0x30, 0x7f, 0x80, 0x84, 0xff] {
                let mut bytes = good.to_vec();
                bytes[at] = value;
                let _whatever = identity(Some(&[bytes.into()]));
            }
        }
    }
}
