//! Identifiers. A short letter says what it names, ten random characters say which one, so that a person can type the first
//! few. Uniqueness is checked where one is stored.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Crockford's base 32 in lower case: no `i`, `l`, `o`, `u`, so that an id survives being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const RANDOM_CHARS: usize = 10;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a {what} id (a '{letter}' and ten characters)")]
pub struct BadId {
    text: String,
    what: &'static str,
    letter: char,
}

fn random_id(letter: char) -> String {
    let mut bytes = [0u8; RANDOM_CHARS];
    if getrandom::fill(&mut bytes).is_err() {
        // No entropy source (an early chroot): time and pid still tell ids apart, and the store checks for clashes.
        let mut seed = crate::time::now_ns() ^ (u128::from(std::process::id()) << 64);
        for byte in &mut bytes {
            seed = seed.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(1);
            *byte = (seed >> 96) as u8;
        }
    }
    let mut id = String::with_capacity(1 + RANDOM_CHARS);
    id.push(letter);
    id.extend(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])));
    id
}

fn is_id(text: &str, letter: char) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 1 + RANDOM_CHARS
        && bytes[0] == letter as u8
        && bytes[1..].iter().all(|b| ALPHABET.contains(b))
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $letter:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The letter such an id begins with.
            pub const LETTER: char = $letter;

            /// A new random id.
            pub fn random() -> Self {
                Self(random_id($letter))
            }

            /// The id's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                if is_id(text, $letter) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(BadId { text: text.to_owned(), what: $what, letter: $letter })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    };
}

id_type!(
    /// Names a file that was taken in.
    FileId, 'f', "file"
);
id_type!(
    /// Names a job.
    JobId, 'j', "job"
);
id_type!(
    /// Names a project.
    ProjectId, 'p', "project"
);

/// One try at a job: the job and the number of the try, from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// The job.
    pub job: JobId,
    /// The number of the try, from 1.
    pub number: u32,
}

impl fmt::Display for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.job, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_refuse_other_kinds() {
        let id = FileId::random();
        assert_eq!(id.as_str().parse::<FileId>(), Ok(id.clone()));
        assert!(id.as_str().parse::<JobId>().is_err());
        assert!("f123".parse::<FileId>().is_err());
        assert!("f012345678i".parse::<FileId>().is_err(), "i is not in the alphabet");
    }

    #[test]
    fn ids_do_not_repeat() {
        let ids: std::collections::BTreeSet<_> = (0..10_000).map(|_| JobId::random()).collect();
        assert_eq!(ids.len(), 10_000);
    }
}
