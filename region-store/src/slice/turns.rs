//! Whose turn it is, and how much may wait.
//!
//! Orders are for *lanes*, one a region. Lanes that have orders take turns, one order a turn, so that one which has many
//! delays another by one at most. Together they have room for some bytes; a lane in which nothing waits always has room
//! for one order more, so that the others cannot keep it from its turn. What waits is bounded by that: the room, and an
//! order a lane.

use std::collections::{BTreeMap, VecDeque};

/// Orders that wait for their turns.
#[derive(Debug)]
pub(super) struct Turns<O> {
    lanes: BTreeMap<u64, Lane<O>>,
    /// Lanes in which an order waits and none is at work, each once, in the order of their turns.
    ready: VecDeque<u64>,
    /// Of all orders that wait or are at work.
    bytes: u64,
    room: u64,
    next_lane: u64,
}

#[derive(Debug)]
struct Lane<O> {
    /// With their bytes.
    waiting: VecDeque<(O, u64)>,
    /// The bytes of the one at work.
    at_work: Option<u64>,
}

impl<O> Turns<O> {
    pub(super) const fn new(room: u64) -> Self {
        Self { lanes: BTreeMap::new(), ready: VecDeque::new(), bytes: 0, room, next_lane: 0 }
    }

    /// Adds a lane, and says its number.
    pub(super) fn attach(&mut self) -> u64 {
        let number = self.next_lane;
        self.next_lane += 1;
        self.lanes.insert(number, Lane { waiting: VecDeque::new(), at_work: None });
        number
    }

    pub(super) fn lane_count(&self) -> usize {
        self.lanes.len()
    }

    /// Whether an order of so many bytes may wait in a lane.
    pub(super) fn has_room(&self, lane: u64, bytes: u64) -> bool {
        let is_empty = self.lanes.get(&lane).is_none_or(|lane| lane.waiting.is_empty());
        is_empty || self.bytes.saturating_add(bytes) <= self.room
    }

    /// Has an order wait in a lane.
    pub(super) fn push(&mut self, lane: u64, order: O, bytes: u64) {
        let Some(found) = self.lanes.get_mut(&lane) else { return };
        if found.waiting.is_empty() && found.at_work.is_none() {
            self.ready.push_back(lane);
        }
        found.waiting.push_back((order, bytes));
        self.bytes += bytes;
    }

    /// The order whose turn it is, and its lane, which gets no other one until it is [done](Self::done).
    pub(super) fn next(&mut self) -> Option<(u64, O)> {
        let number = self.ready.pop_front()?;
        let lane = self.lanes.get_mut(&number)?;
        let (order, bytes) = lane.waiting.pop_front()?;
        lane.at_work = Some(bytes);
        Some((number, order))
    }

    /// The order of a lane is done.
    pub(super) fn done(&mut self, lane: u64) {
        let Some(found) = self.lanes.get_mut(&lane) else { return };
        self.bytes -= found.at_work.take().unwrap_or_default();
        if !found.waiting.is_empty() {
            self.ready.push_back(lane);
        }
    }

    /// Forgets the orders that wait in a lane, and says whether none is at work.
    pub(super) fn clear(&mut self, lane: u64) -> bool {
        let Some(found) = self.lanes.get_mut(&lane) else { return true };
        self.bytes -= found.waiting.drain(..).map(|(_, bytes)| bytes).sum::<u64>();
        self.ready.retain(|ready| *ready != lane);
        found.at_work.is_none()
    }

    /// Takes away a lane that was cleared, and in which none is at work.
    pub(super) fn detach(&mut self, lane: u64) {
        self.lanes.remove(&lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes all turns, and says whose they were.
    fn turns(turns: &mut Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(|| {
            let (lane, order) = turns.next()?;
            turns.done(lane);
            Some(order)
        })
        .collect()
    }

    #[test]
    fn a_flooded_lane_delays_another_by_one_order() {
        let mut queue = Turns::new(u64::MAX);
        let (flooded, other) = (queue.attach(), queue.attach());
        (0..100).for_each(|order| queue.push(flooded, order, 1));
        queue.push(other, 1_000, 1);
        queue.push(other, 1_001, 1);
        assert_eq!(turns(&mut queue)[..4], [0, 1_000, 1, 1_001]);

        // The same if one of them is at work when the other comes.
        (0..100).for_each(|order| queue.push(flooded, order, 1));
        let (lane, order) = queue.next().unwrap();
        queue.push(other, 1_000, 1);
        queue.done(lane);
        assert_eq!((order, queue.next()), (0, Some((other, 1_000))));
    }

    #[test]
    fn a_lane_keeps_its_order_and_has_one_at_work() {
        let mut queue = Turns::new(u64::MAX);
        let lane = queue.attach();
        (0..3).for_each(|order| queue.push(lane, order, 1));
        assert_eq!(queue.next(), Some((lane, 0)));
        assert_eq!(queue.next(), None, "the first is at work");
        queue.done(lane);
        assert_eq!(turns(&mut queue), [1, 2]);
    }

    #[test]
    fn there_is_room_for_some_bytes_and_for_one_order_a_lane() {
        let mut queue = Turns::new(10);
        let (flooded, other) = (queue.attach(), queue.attach());
        assert!(queue.has_room(flooded, 1_000), "nothing waits");
        queue.push(flooded, 0, 6);
        assert!(queue.has_room(flooded, 4) && !queue.has_room(flooded, 5));
        queue.push(flooded, 1, 4);
        assert!(!queue.has_room(flooded, 1) && queue.has_room(other, 1_000));
        let (lane, _) = queue.next().unwrap();
        assert!(!queue.has_room(flooded, 1), "what is at work takes room");
        queue.done(lane);
        assert!(queue.has_room(flooded, 6) && !queue.has_room(flooded, 7));
    }

    #[test]
    fn a_lane_that_is_cleared_leaves_no_order_and_no_bytes() {
        let mut queue = Turns::new(10);
        let (gone, other) = (queue.attach(), queue.attach());
        queue.push(gone, 0, 5);
        queue.push(gone, 1, 5);
        queue.push(other, 2, 1);
        let (lane, _) = queue.next().unwrap();
        assert!(!queue.clear(gone), "one is at work");
        queue.done(lane);
        assert!(queue.clear(gone));
        queue.detach(gone);
        queue.push(gone, 3, 5);
        assert_eq!(queue.lane_count(), 1);
        assert_eq!(turns(&mut queue), [2]);
        assert_eq!(queue.bytes, 0);
    }
}
