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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_has_every_other_turn_and_each_of_the_others_has_one_in_between() {
        let (line, mut round) = ([1, 2, 3], Round::default());
        let mut turn = || {
            let after = round.begin();
            let next = line.into_iter().find(|name| after.is_none_or(|after| *name > after)).unwrap_or(1);
            round.tried(next);
            next
        };
        let turns: Vec<u8> = (0..10).map(|_| turn()).collect();
        assert_eq!(turns, [1, 2, 1, 3, 1, 1, 1, 2, 1, 3]);
    }
}
