//! How the bytes of a file are to be got at: as they lie, through a decompressor, or out of an archive.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::archive::Zip;
use crate::decode::Encoding;
use crate::error::Error;
use crate::limits::Limits;
use crate::recognise::Format;
use crate::source::{self, Source};

/// Bytes of a file that are searched at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// Whether content that begins so is a workbook.
pub(crate) fn is_workbook_head(head: &[u8]) -> bool {
    workbook_head(head).is_some()
}

pub(crate) fn workbook_head(head: &[u8]) -> Option<Format> {
    let has = |needle: &[u8]| memchr::memmem::find(head, needle).is_some();
    if head.starts_with(b"PK\x03\x04") {
        return match () {
            () if has(b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet") => Some(Format::Ods),
            () if has(b"xl/workbook.bin") => Some(Format::Xlsb),
            () if has(b"xl/workbook.xml") || has(b"xl/worksheets/") => Some(Format::Xlsx),
            () => None,
        };
    }
    (head.starts_with(OLE) && (has(&utf16("Workbook")) || has(&utf16("Book")))).then_some(Format::Xls)
}

/// The mark of the compound files that old office programs write ([MS-CFB] 2.2).
const OLE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// How the bytes of a file are to be got at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Container {
    /// As they lie, or as a stream.
    Plain,
    /// A workbook, which is read from its place.
    Workbook(Format),
    /// A zip archive of files.
    Archive,
    /// Something within gzip or zstd that must lie in a file to be read.
    Squeezed(&'static str),
    /// No table, for this reason.
    Other(String),
}

/// Looks at the first bytes of a file, and into archives.
pub(crate) fn container(path: &Path, limits: &Limits) -> Result<Container, Error> {
    let mut head = Vec::new();
    let file = File::open(path).map_err(Error::io("open", path))?;
    file.take(512).read_to_end(&mut head).map_err(Error::io("read", path))?;
    if let Some(compression) = source::compression(&head) {
        let mut inner = Vec::new();
        Source::open(path, Encoding::Utf8Damaged, *limits)?.fill_keeping_mark(&mut inner, 512)?;
        if is_tar(&inner) {
            return Ok(Container::Other("it is a tar archive: unpack it first".to_owned()));
        }
        let binary: [&[u8]; 5] = [b"PK\x03\x04", b"PAR1", b"ARROW1", OLE, b"\xff\xff\xff\xff"];
        let squeezed =
            binary.iter().any(|magic| inner.starts_with(magic)) || source::compression(&inner).is_some();
        return Ok(if squeezed { Container::Squeezed(compression) } else { Container::Plain });
    }
    if is_tar(&head) {
        return Ok(Container::Other("it is a tar archive: unpack it first".to_owned()));
    }
    if head.starts_with(OLE) {
        return ole(path);
    }
    if head.starts_with(b"PK\x05\x06") {
        return Ok(Container::Other("it is a zip archive without members".to_owned()));
    }
    if head.starts_with(b"PK\x03\x04") {
        return match Zip::open(path) {
            Ok(mut zip) => Ok(zip_kind(&mut zip)),
            Err(Error::Damaged { reason, .. }) => {
                Ok(Container::Other(format!("it is a zip archive that is damaged or cut short: {reason}")))
            }
            Err(error) => Err(error),
        };
    }
    Ok(Container::Plain)
}

/// `ustar` stands at byte 257 of a tar archive (POSIX.1, pax).
fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

fn zip_kind(zip: &mut Zip) -> Container {
    let names: Vec<String> =
        zip.members.iter().map(|m| m.name.to_ascii_lowercase().replace('\\', "/")).collect();
    let has = |name: &str| names.iter().any(|n| n == name);
    let office = has("[content_types].xml");
    if office && names.iter().any(|n| n.ends_with("workbook.xml")) {
        return Container::Workbook(Format::Xlsx);
    }
    if office && names.iter().any(|n| n.ends_with("workbook.bin")) {
        return Container::Workbook(Format::Xlsb);
    }
    if office {
        return Container::Other("it is an office document, but no workbook".to_owned());
    }
    if zip.has("mimetype")
        && let Some(member) = zip.members.iter().find(|m| m.name == "mimetype").cloned()
    {
        let kind = zip.head(&member, 256).unwrap_or_default();
        if kind.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") {
            return Container::Workbook(Format::Ods);
        }
        if kind.starts_with(b"application/") {
            let kind = String::from_utf8_lossy(&kind).trim().to_owned();
            return Container::Other(format!("it is a document ({kind})"));
        }
    }
    Container::Archive
}

/// A compound file: an old workbook, a protected new one, or another old document. The names of its streams are UTF-16.
fn ole(path: &Path) -> Result<Container, Error> {
    let mut file = File::open(path).map_err(Error::io("open", path))?;
    // Names of streams are the same whatever their case ([MS-CFB] 2.6.4).
    let books = ["Workbook", "WORKBOOK", "workbook", "Book", "BOOK"].map(utf16);
    let locked = utf16("EncryptedPackage");
    let mut buffer = Vec::new();
    let mut found = false;
    loop {
        // What a needle may have begun stays for the next piece.
        let keep = buffer.len().saturating_sub(64);
        buffer.drain(..keep);
        let n = Read::by_ref(&mut file)
            .take(PIECE_BYTES)
            .read_to_end(&mut buffer)
            .map_err(Error::io("read", path))?;
        let has = |needle: &[u8]| memchr::memmem::find(&buffer, needle).is_some();
        if has(&locked) {
            let reason = "it is a workbook or document with a password; save it without one";
            return Ok(Container::Other(reason.to_owned()));
        }
        found |= books.iter().any(|name| has(name));
        if n == 0 {
            break;
        }
    }
    Ok(if found {
        Container::Workbook(Format::Xls)
    } else {
        Container::Other("it is an old office document, but no workbook".to_owned())
    })
}
