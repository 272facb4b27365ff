//! What the engine refuses to read, so that a small hostile file cannot fill memory or disk.

/// Limits on what is read. The defaults let any honest table through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Columns a table may have.
    pub max_columns: usize,
    /// Bytes one cell (and so one record that is still open) may have.
    pub max_cell_bytes: usize,
    /// Bytes the content may have once decompressed.
    pub max_uncompressed_bytes: u64,
    /// How much a compressed file may expand, once more than [`Limits::EXPANSION_FREE_BYTES`] came out of it.
    pub max_expansion: u64,
    /// Memory the engine plans with. It bounds blocks in flight; it is not a hard ceiling.
    pub memory_bytes: u64,
}

impl Limits {
    /// What may come out of a compressed file before its expansion is looked at: short runs compress very well.
    pub const EXPANSION_FREE_BYTES: u64 = 64 << 20;
    /// How much a workbook may expand, beyond the same free bytes. Sheets shrink to a fortieth at most where cells have
    /// their places, to a hundredth where they have none and are all the same; Apache POI refuses more than a hundred
    /// to one (`ZipSecureFile`).
    pub const WORKBOOK_EXPANSION: u64 = 200;
    /// Bytes of a workbook's XML that have to be held in memory whole: the table of texts. In memory it takes two to
    /// three times as much.
    pub const HELD_XML_BYTES: u64 = 384 << 20;
    /// Cells of a workbook of a form that is held in memory whole (xls and ODS); 32 bytes each, twice.
    pub const HELD_CELLS: u64 = 16 << 20;
    /// Cells a sheet may have before it is asked how many of them are filled.
    pub const SPARSE_CELLS: u64 = 128 << 20;
    /// Members of an archive that are looked at.
    pub const ARCHIVE_MEMBERS: usize = 1_000;
    /// How deep JSON may nest.
    pub const JSON_DEPTH: usize = 1_000;
}

impl Limits {
    /// The limits for what comes out of `bytes` compressed ones, however many wrappers lie in between: their expansion
    /// counts in total.
    pub(crate) fn within(self, bytes: u64) -> Self {
        let most = bytes.saturating_mul(self.max_expansion).max(Self::EXPANSION_FREE_BYTES);
        Self { max_uncompressed_bytes: self.max_uncompressed_bytes.min(most), ..self }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_columns: 100_000,
            max_cell_bytes: 64 << 20,
            max_uncompressed_bytes: 1 << 40,
            max_expansion: 1_000,
            memory_bytes: 256 << 20,
        }
    }
}
