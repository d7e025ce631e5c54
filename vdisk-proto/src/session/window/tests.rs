//! The window beside a list.

#![allow(clippy::cast_possible_truncation)]

use std::vec;
use std::vec::Vec;

use super::*;

/// A write of the model: its sector, its byte and length, how far it is, and how often other bytes came.
type Write = (u8, u8, usize, Progress, u8);

fn key(sector: u8) -> SectorKey {
    SectorKey::try_new(sector % 16, 0xff_ff00 + u32::from(sector)).unwrap()
}

fn check(window: &Window<'_>, model: &[Write]) {
    assert_eq!((window.len(), window.is_full()), (model.len(), model.len() == window.capacity));
    assert!(window.next <= window.len() && window.sent <= window.len());
    let held = window.iter().map(|entry| (entry.key, entry.bytes.to_vec(), entry.progress));
    let expected = model
        .iter()
        .map(|(sector, fill, length, progress, _)| (key(*sector), vec![*fill; *length], *progress));
    assert_eq!(held.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    for sector in 0..4 {
        assert_eq!(window.latest(key(sector)), model.iter().rposition(|write| write.0 == sector));
        assert_eq!(window.oldest(key(sector)), model.iter().position(|write| write.0 == sector));
    }
    assert!(window.get(model.len()).is_none());
}

proptest::proptest! {
    #[test]
    fn a_window_does_what_a_list_does(
        capacity in 1..7_usize,
        operations in proptest::collection::vec(
            (0..8_u8, 0..4_u8, proptest::num::u8::ANY),
            0..if cfg!(miri) { 20 } else { 200 },
        ),
    ) {
        const LENGTH: usize = 5;
        let mut memory = vec![0; capacity * (OVERHEAD + LENGTH)];
        let mut window = Window::new(&mut memory, capacity, LENGTH);
        let mut model: Vec<Write> = vec![];
        let (mut first, mut sent) = (1_u32, 0_usize);
        for (operation, sector, number) in operations {
            let index = usize::from(number) % capacity;
            match operation {
                0..=2 => {
                    let length = usize::from(number) % (LENGTH + 2);
                    let fits = model.len() < capacity && length <= LENGTH;
                    assert_eq!(window.push(key(sector), &vec![number; length]), fits);
                    if fits {
                        model.push((sector, number, length, Progress::ToSend, 0));
                    }
                }
                3 if window.next < window.len() => {
                    window.advance();
                    sent = sent.max(window.next);
                }
                4 => {
                    let mark = first + u32::from(number) % 8 - 1;
                    let count = ((mark + 1 - first) as usize).min(sent);
                    assert_eq!(window.acknowledge(mark), count);
                    model.drain(..count);
                    (first, sent) = (first + count as u32, sent - count);
                }
                5 => {
                    window.remove(index);
                    if index < model.len() {
                        model.remove(index);
                    }
                    window.renumber();
                    (first, sent) = (1, 0);
                }
                6 => {
                    let differs = window.differs(index);
                    let expected = model.get_mut(index).map(|write| {
                        write.4 = write.4.saturating_add(1);
                        write.4
                    });
                    assert!(expected.is_none_or(|expected| expected == differs));
                }
                7 => {
                    window.set_progress(index, Progress::AskedBack);
                    if let Some(write) = model.get_mut(index) {
                        write.3 = Progress::AskedBack;
                    }
                }
                _ => window.next = 0,
            }
            check(&window, &model);
            assert_eq!(window.mark(), first - 1);
            for index in 0..capacity {
                let sequence = first + index as u32;
                assert_eq!(window.sequence(index), Some(sequence));
                assert_eq!(window.in_flight(sequence), (index < sent).then_some(index));
            }
            assert_eq!(window.in_flight(first - 1), None);
        }
    }
}

#[test]
fn sequences_end() {
    let mut memory = [0; 2 * (OVERHEAD + 1)];
    let mut window = Window::new(&mut memory, 2, 1);
    window.start_at(u32::MAX);
    assert_eq!((window.sequence(0), window.sequence(1)), (Some(u32::MAX), None));
    assert!(window.push(key(0), &[1]));
    window.advance();
    assert_eq!(window.acknowledge(0), 0);
    assert_eq!(window.acknowledge(u32::MAX), 0, "this one is never sent");
}

#[test]
fn a_write_is_laid_out_as_the_table_says() {
    let mut memory = [0xee; OVERHEAD + 3];
    let mut window = Window::new(&mut memory, 1, 3);
    assert!(window.push(SectorKey::try_new(2, 0x03_0405).unwrap(), b"ab"));
    window.set_progress(0, Progress::AskedBack);
    window.differs(0);
    assert_eq!(memory, *b"\x05\x04\x03\x02\x02\0\x02\x01ab\xee");
}
