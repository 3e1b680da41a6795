//! A sum of 256-bit numbers modulo 2^256: the running value of the set hash.

/// A number modulo 2^256, least significant limb first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum([u64; 4]);

impl Sum {
    /// The sum of nothing.
    pub(crate) const ZERO: Self = Self([0; 4]);

    /// From 32 bytes, big endian.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().rev().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_be_bytes(*chunk);
        }
        Self(limbs)
    }

    /// As 32 bytes, big endian.
    pub(crate) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0.iter().rev()) {
            *chunk = limb.to_be_bytes();
        }
        bytes
    }

    /// This sum plus `other`.
    pub(crate) fn plus(self, other: Self) -> Self {
        let mut out = [0; 4];
        let mut carry = false;
        for ((to, a), b) in out.iter_mut().zip(self.0).zip(other.0) {
            let (partial, over) = a.overflowing_add(b);
            let (total, over_again) = partial.overflowing_add(u64::from(carry));
            *to = total;
            carry = over || over_again;
        }
        Self(out)
    }

    /// This sum minus `other`.
    pub(crate) fn minus(self, other: Self) -> Self {
        let mut out = [0; 4];
        let mut borrow = false;
        for ((to, a), b) in out.iter_mut().zip(self.0).zip(other.0) {
            let (partial, under) = a.overflowing_sub(b);
            let (total, under_again) = partial.overflowing_sub(u64::from(borrow));
            *to = total;
            borrow = under || under_again;
        }
        Self(out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn carries_run_through_all_limbs() {
        let ones = Sum::from_bytes([0xff; 32]);
        let mut one = [0; 32];
        one[31] = 1;
        let one = Sum::from_bytes(one);
        assert_eq!(ones.plus(one), Sum::ZERO);
        assert_eq!(Sum::ZERO.minus(one), ones);
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_removal_undoes_addition(a: [u8; 32], b: [u8; 32], c: [u8; 32]) {
            let (a, b, c) = (Sum::from_bytes(a), Sum::from_bytes(b), Sum::from_bytes(c));
            prop_assert_eq!(a.plus(b).plus(c), c.plus(a).plus(b));
            prop_assert_eq!(a.plus(b).minus(b), a);
            prop_assert_eq!(Sum::from_bytes(a.to_bytes()), a);
        }
    }
}
