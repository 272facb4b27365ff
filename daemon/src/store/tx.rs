//! Transactions: what can be read in one, and the one way in which rows and their indices are written. The questions that
//! are asked of each kind of row are in `file`, `job`, `project` and `audit`.
//!
//! Must not know: threads, files, when a transaction is committed.

use std::collections::BTreeMap;
use std::ops::Deref;

use redb::{Key as RedbKey, ReadTransaction, ReadableTable, TableDefinition, Value, WriteTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::envelope;
use super::error::StoreError;
use super::key::Span;
use super::tables::{COUNTERS, Index, QUARANTINE, RowTable};

/// A kind of row with an id.
pub(super) trait Entity: Serialize + DeserializeOwned {
    /// Its name in messages.
    const WHAT: &'static str;
    /// Its table.
    const TABLE: RowTable;
    /// Every index that its entries are in.
    const INDICES: &'static [&'static Index];
    /// Its id.
    fn key(&self) -> &str;
    /// What the indices hold for it: everything in them comes from here.
    fn entries(&self) -> Vec<Entry>;
    /// The counter that it is counted in.
    fn counter(&self) -> Option<String> {
        None
    }
}

/// A key in an index; its value is the row's id.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) index: &'static Index,
    pub(super) key: Vec<u8>,
}

/// Which end a scan starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Up,
    Down,
}

enum Handle {
    Read(ReadTransaction),
    Write(Box<WriteTransaction>),
}

/// A consistent view of the rows.
pub struct ReadTx {
    handle: Handle,
}

/// A view that can be changed, and that shows its own changes.
pub struct WriteTx {
    view: ReadTx,
    dirty: bool,
}

impl Deref for WriteTx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.view
    }
}

impl ReadTx {
    pub(super) fn new(tx: ReadTransaction) -> Self {
        Self { handle: Handle::Read(tx) }
    }

    /// One value, as `f` makes of it.
    pub(super) fn get<K: RedbKey + 'static, V: Value + 'static, R>(
        &self,
        table: TableDefinition<'_, K, V>,
        key: K::SelfType<'_>,
        f: impl FnOnce(V::SelfType<'_>) -> R,
    ) -> Result<Option<R>, StoreError> {
        Ok(match &self.handle {
            Handle::Read(tx) => tx.open_table(table)?.get(key)?.map(|v| f(v.value())),
            Handle::Write(tx) => tx.open_table(table)?.get(key)?.map(|v| f(v.value())),
        })
    }

    /// Shows every entry of a table to `f`, in order.
    pub(super) fn each<K: RedbKey + 'static, V: Value + 'static>(
        &self,
        table: TableDefinition<'_, K, V>,
        f: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        fn each_in<K: RedbKey + 'static, V: Value + 'static>(
            table: &impl ReadableTable<K, V>,
            mut f: impl FnMut(K::SelfType<'_>, V::SelfType<'_>) -> Result<(), StoreError>,
        ) -> Result<(), StoreError> {
            for entry in table.iter()? {
                let (key, value) = entry?;
                f(key.value(), value.value())?;
            }
            Ok(())
        }
        match &self.handle {
            Handle::Read(tx) => each_in(&tx.open_table(table)?, f),
            Handle::Write(tx) => each_in(&tx.open_table(table)?, f),
        }
    }

    /// Keys and ids of a span of an index. Reads no more of it than it returns.
    pub(super) fn scan(
        &self,
        index: &Index,
        span: &Span,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, String)>, StoreError> {
        fn scan_in(
            table: &impl ReadableTable<&'static [u8], &'static str>,
            span: &Span,
            order: Order,
            limit: usize,
        ) -> Result<Vec<(Vec<u8>, String)>, StoreError> {
            use std::ops::Bound::{Excluded, Included, Unbounded};
            let to = span.to.as_deref().map_or(Unbounded, Excluded);
            let mut range = table.range::<&[u8]>((Included(span.from.as_slice()), to))?;
            let mut found = Vec::new();
            while found.len() < limit {
                let next = if order == Order::Up { range.next() } else { range.next_back() };
                let Some(entry) = next else { break };
                let (key, id) = entry?;
                found.push((key.value().to_vec(), id.value().to_owned()));
            }
            Ok(found)
        }
        match &self.handle {
            Handle::Read(tx) => scan_in(&tx.open_table(index.table())?, span, order, limit),
            Handle::Write(tx) => scan_in(&tx.open_table(index.table())?, span, order, limit),
        }
    }

    /// Ids of rows that begin with `prefix`, in order.
    pub(super) fn ids_with_prefix(
        &self,
        table: RowTable,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        fn ids_in(
            table: &impl ReadableTable<&'static str, &'static [u8]>,
            prefix: &str,
            limit: usize,
        ) -> Result<Vec<String>, StoreError> {
            let mut found = Vec::new();
            for entry in table.range::<&str>(prefix..)?.take(limit) {
                let (key, _) = entry?;
                if !key.value().starts_with(prefix) {
                    break;
                }
                found.push(key.value().to_owned());
            }
            Ok(found)
        }
        match &self.handle {
            Handle::Read(tx) => ids_in(&tx.open_table(table)?, prefix, limit),
            Handle::Write(tx) => ids_in(&tx.open_table(table)?, prefix, limit),
        }
    }

    /// Audit numbers and rows below `before`, newest first, as they lie.
    pub(super) fn last_audit(
        &self,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        fn last_in(
            table: &impl ReadableTable<u64, &'static [u8]>,
            before: u64,
            limit: usize,
        ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
            let mut found = Vec::new();
            for entry in table.range::<u64>(..before)?.rev().take(limit) {
                let (key, value) = entry?;
                found.push((key.value(), value.value().to_vec()));
            }
            Ok(found)
        }
        let before = before.unwrap_or(u64::MAX);
        match &self.handle {
            Handle::Read(tx) => last_in(&tx.open_table(super::tables::AUDIT)?, before, limit),
            Handle::Write(tx) => last_in(&tx.open_table(super::tables::AUDIT)?, before, limit),
        }
    }

    /// A row by id.
    pub(super) fn row<E: Entity>(&self, id: &str) -> Result<Option<E>, StoreError> {
        self.get(E::TABLE, id, |bytes| envelope::decode(E::WHAT, id, bytes))?.transpose()
    }

    /// Rows by id. An id without a row, or with one that can't be read, is passed over: one bad index entry must not hide a whole page. `fsck` finds it.
    pub(super) fn rows<E: Entity>(
        &self,
        ids: impl IntoIterator<Item = String>,
    ) -> Result<Vec<E>, StoreError> {
        let mut rows = Vec::new();
        for id in ids {
            match self.row::<E>(&id) {
                Ok(Some(row)) => rows.push(row),
                Ok(None) => {
                    tracing::warn!(what = E::WHAT, id, "an index names a row that is not there; run fsck")
                }
                // One row that can't be read must not hide the others, nor keep the daemon from starting.
                Err(StoreError::Corrupt(why)) => {
                    tracing::error!(what = E::WHAT, id, why, "a row can't be read; run fsck")
                }
                Err(e) => return Err(e),
            }
        }
        Ok(rows)
    }

    /// The rows of a span of an index.
    pub(super) fn rows_in<E: Entity>(
        &self,
        index: &Index,
        span: &Span,
        order: Order,
        limit: usize,
    ) -> Result<Vec<E>, StoreError> {
        self.rows(self.scan(index, span, order, limit)?.into_iter().map(|(_, id)| id))
    }

    /// Whether a repair has set rows aside that can't be read. What they name must not be thrown away.
    pub fn anything_set_aside(&self) -> Result<bool, StoreError> {
        let mut any = false;
        self.each(QUARANTINE, |_, _| {
            any = true;
            Ok(())
        })?;
        Ok(any)
    }

    /// A counter; 0 where it was never set.
    pub(super) fn counter(&self, name: &str) -> Result<u64, StoreError> {
        Ok(self.get(COUNTERS, name, |n| n)?.unwrap_or(0))
    }
}

impl WriteTx {
    pub(super) fn new(tx: WriteTransaction) -> Self {
        Self { view: ReadTx { handle: Handle::Write(Box::new(tx)) }, dirty: false }
    }

    /// Whether something was written since the last call.
    pub(super) fn take_dirty(&mut self) -> bool {
        std::mem::take(&mut self.dirty)
    }

    pub(super) fn commit(self) -> Result<(), StoreError> {
        match self.view.handle {
            Handle::Write(tx) => Ok(tx.commit()?),
            Handle::Read(_) => Ok(()),
        }
    }

    pub(super) fn abort(self) -> Result<(), StoreError> {
        match self.view.handle {
            Handle::Write(tx) => Ok(tx.abort()?),
            Handle::Read(_) => Ok(()),
        }
    }

    /// Sets a value, or takes it away.
    pub(super) fn set<'k, K: RedbKey + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'_, K, V>,
        key: K::SelfType<'k>,
        value: Option<V::SelfType<'k>>,
    ) -> Result<(), StoreError> {
        let Handle::Write(tx) = &self.view.handle else {
            return Err(StoreError::Conflict("a read transaction can't write".to_owned()));
        };
        self.dirty = true;
        let mut table = tx.open_table(table)?;
        match value {
            Some(value) => drop(table.insert(key, value)?),
            None => drop(table.remove(key)?),
        }
        Ok(())
    }

    /// Empties a table.
    pub(super) fn clear<K: RedbKey + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'_, K, V>,
    ) -> Result<(), StoreError> {
        if let Handle::Write(tx) = &self.view.handle {
            self.dirty = true;
            tx.delete_table(table)?;
            tx.open_table(table)?;
        }
        Ok(())
    }

    /// Makes sure that no other row has this one's place in a unique index. Writes nothing.
    pub(super) fn check_unique<E: Entity>(&self, row: &E) -> Result<(), StoreError> {
        for entry in row.entries().iter().filter(|e| e.index.unique) {
            let holder = self.get(entry.index.table(), entry.key.as_slice(), str::to_owned)?;
            if let Some(holder) = holder.filter(|h| h != row.key()) {
                return Err(StoreError::Conflict(format!(
                    "{} {} would take the place of {holder} in {}",
                    E::WHAT,
                    row.key(),
                    entry.index.name
                )));
            }
        }
        Ok(())
    }

    /// Puts a row in the place of `old`, or takes `old` away; indices and counters follow.
    pub(super) fn replace<E: Entity>(&mut self, old: Option<&E>, new: Option<&E>) -> Result<(), StoreError> {
        if let Some(new) = new {
            self.set(E::TABLE, new.key(), Some(envelope::encode(E::WHAT, new.key(), new)?.as_slice()))?;
        } else if let Some(old) = old {
            self.set(E::TABLE, old.key(), None)?;
        }
        let before = old.map_or_else(Vec::new, E::entries);
        let after = new.map_or_else(Vec::new, E::entries);
        for entry in before.iter().filter(|e| !after.contains(e)) {
            self.set(entry.index.table(), entry.key.as_slice(), None)?;
        }
        if let Some(new) = new {
            for entry in after.iter().filter(|e| !before.contains(e)) {
                self.set(entry.index.table(), entry.key.as_slice(), Some(new.key()))?;
            }
        }
        let mut steps: BTreeMap<String, i64> = BTreeMap::new();
        if let Some(name) = old.and_then(E::counter) {
            *steps.entry(name).or_default() -= 1;
        }
        if let Some(name) = new.and_then(E::counter) {
            *steps.entry(name).or_default() += 1;
        }
        for (name, step) in steps.into_iter().filter(|(_, step)| *step != 0) {
            let count = self.counter(&name)?.saturating_add_signed(step);
            self.set(COUNTERS, name.as_str(), Some(count))?;
        }
        Ok(())
    }

    /// The sequence number of a row that is about to be put: its own, that of the row it replaces, or the next one. A row
    /// without a number whose id is there gets the number back, so that a commit that was done but not confirmed can be
    /// done again.
    pub(super) fn sequence(
        &mut self,
        counter: &'static str,
        id: &str,
        given: u64,
        old: Option<u64>,
    ) -> Result<u64, StoreError> {
        match (given, old) {
            (0, Some(old)) => Ok(old),
            (given, Some(old)) if given != old => {
                Err(StoreError::Conflict(format!("{id} has the sequence number {old}, not {given}")))
            }
            (given, Some(_)) => Ok(given),
            (given, None) => {
                let last = self.counter(counter)?;
                let sequence = if given == 0 { last + 1 } else { given };
                if sequence > last {
                    self.set(COUNTERS, counter, Some(sequence))?;
                }
                Ok(sequence)
            }
        }
    }
}
