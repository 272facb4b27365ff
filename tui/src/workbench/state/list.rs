//! Where a user is in a list that changes under them: the selection holds on to the item, not to the line.

/// The selection and the first visible line of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The selected line.
    pub index: usize,
    /// The first visible line.
    pub top: usize,
    /// The selected item's key, once the user moved; before that the selection stays on the first line.
    pub key: Option<String>,
}

impl Cursor {
    /// Moves by lines, or as far as the list goes.
    pub fn step(&mut self, by: isize, keys: &[String], height: usize) {
        self.go(self.index.saturating_add_signed(by), keys, height);
    }

    /// Moves to a line, or to the last one.
    pub fn go(&mut self, index: usize, keys: &[String], height: usize) {
        self.index = index.min(keys.len().saturating_sub(1));
        self.key = keys.get(self.index).cloned();
        self.scroll(keys.len(), height);
    }

    /// Finds the item again after the list changed.
    pub fn settle(&mut self, keys: &[String], height: usize) {
        if let Some(at) = self.key.as_ref().and_then(|key| keys.iter().position(|k| k == key)) {
            self.index = at;
        } else {
            self.index = if self.key.is_some() { self.index.min(keys.len().saturating_sub(1)) } else { 0 };
            self.key = self.key.take().and(keys.get(self.index).cloned());
        }
        self.scroll(keys.len(), height);
    }

    fn scroll(&mut self, len: usize, height: usize) {
        self.top = scrolled(self.top, self.index, len, height);
    }
}

/// The first visible line that shows a selection with the least scrolling.
pub fn scrolled(top: usize, index: usize, len: usize, height: usize) -> usize {
    let height = height.max(1);
    let top = if index < top {
        index
    } else if index >= top + height {
        index + 1 - height
    } else {
        top
    };
    top.min(len.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn the_selection_stays_on_its_item_when_a_newer_one_arrives() {
        let mut at = Cursor::default();
        at.step(1, &keys("abc"), 10);
        assert_eq!(at.key.as_deref(), Some("b"));
        at.settle(&keys("xabc"), 10);
        assert_eq!(at.index, 2, "still b");
        at.settle(&keys("xac"), 10);
        assert_eq!(at.index, 2, "b is gone: the item that took its place");
    }

    #[test]
    fn who_has_not_moved_sees_the_newest() {
        let mut at = Cursor::default();
        at.settle(&keys("xabc"), 2);
        assert_eq!((at.index, at.top), (0, 0));
    }

    #[test]
    fn scrolling_keeps_the_selection_in_sight() {
        assert_eq!(scrolled(0, 9, 20, 5), 5);
        assert_eq!(scrolled(5, 4, 20, 5), 4);
        assert_eq!(scrolled(18, 19, 20, 5), 15, "no empty lines below the end");
    }
}
