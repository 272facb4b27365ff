//! How a row lies in the store: one byte that says which layout, then MessagePack with named fields, so that fields can be
//! added without a migration.
//!
//! Must not know: tables, transactions.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::StoreError;

/// The layout that rows are written in.
const LAYOUT: u8 = 1;

pub(super) fn encode<T: Serialize>(what: &str, key: &str, row: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![LAYOUT];
    rmp_serde::encode::write_named(&mut bytes, row)
        .map_err(|e| StoreError::Conflict(format!("{what} {key} can't be written: {e}")))?;
    Ok(bytes)
}

pub(super) fn decode<T: DeserializeOwned>(what: &str, key: &str, bytes: &[u8]) -> Result<T, StoreError> {
    match bytes.split_first() {
        Some((&LAYOUT, rest)) => rmp_serde::from_slice(rest)
            .map_err(|e| StoreError::Corrupt(format!("{what} {key} can't be read: {e}"))),
        Some((layout, _)) => {
            Err(StoreError::Corrupt(format!("{what} {key} has the unknown layout {layout}")))
        }
        None => Err(StoreError::Corrupt(format!("{what} {key} is empty"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Older {
        name: String,
        dropped: u8,
    }
    #[derive(serde::Deserialize, PartialEq, Debug)]
    struct Later {
        name: String,
        #[serde(default)]
        added: Option<u32>,
    }

    #[test]
    fn fields_may_come_and_go() {
        let bytes = encode("thing", "t1", &Older { name: "a".into(), dropped: 3 }).unwrap();
        assert_eq!(decode::<Later>("thing", "t1", &bytes), Ok(Later { name: "a".into(), added: None }));
    }

    #[test]
    fn damage_names_the_row() {
        for bytes in [&[][..], &[9, 1, 2], &[1, 0xc1]] {
            let error = decode::<Later>("thing", "t1", bytes).unwrap_err();
            assert!(matches!(&error, StoreError::Corrupt(m) if m.contains("thing t1")), "{error}");
        }
    }
}
