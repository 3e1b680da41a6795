//! Whose turn it is to find out whether a target answers: that of the first in line, and every other time that of the
//! next one after who had it last. So one by which nothing can be found out keeps nobody back.

/// A round through the line; `N` is the name of a place in it.
#[derive(Clone, Debug)]
pub struct Round<N> {
    /// Who had the turn last in the round.
    last: Option<N>,
    /// Whether the first in line had it last.
    was_first: bool,
}

impl<N> Default for Round<N> {
    fn default() -> Self {
        Self { last: None, was_first: false }
    }
}

impl<N: Clone> Round<N> {
    /// The next turn begins. After whom in line it is somebody's; `None`: it is that of the first.
    pub fn begin(&mut self) -> Option<N> {
        self.was_first = !self.was_first;
        self.last.clone().filter(|_| !self.was_first)
    }

    /// Notes who has the turn.
    pub fn tried(&mut self, name: N) {
        if !self.was_first || self.last.is_none() {
            self.last = Some(name);
        }
    }
}
