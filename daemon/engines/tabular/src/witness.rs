//! A file being written by a library that makes a text of what the system says: the first thing that the system refused is
//! kept, so that a full disk, which may pass, can be told from a fault of ours.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use polars::prelude::PolarsError;

use crate::error::Error;

/// A file, with a note of what failed.
pub(crate) struct Witness {
    file: File,
    told: Told,
}

/// What the system refused.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Option<io::Error>>>);

impl Witness {
    /// Starts the file anew.
    ///
    /// # Errors
    /// Where the file can't be made.
    pub(crate) fn create(path: &Path) -> Result<(Self, Told), Error> {
        let told = Told::default();
        let file = File::create(path).map_err(Error::io("write", path))?;
        Ok((Self { file, told: told.clone() }, told))
    }

    fn noted<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|e| {
            let copy = e.raw_os_error().map_or_else(|| e.kind().into(), io::Error::from_raw_os_error);
            self.told.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(copy);
        })
    }
}

impl Write for Witness {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.file.write(bytes);
        self.noted(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.flush();
        self.noted(result)
    }
}

impl Told {
    /// What went wrong, by the system's word where there is one.
    pub(crate) fn error(&self, path: &Path, error: &PolarsError) -> Error {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(source) => Error::io("write", path)(source),
            None => Error::Write { path: path.to_path_buf(), reason: error.to_string() },
        }
    }
}
