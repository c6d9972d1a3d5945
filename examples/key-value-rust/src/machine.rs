//! The programs themselves: docs/formats/programs.md is all that this knows.

use std::collections::HashMap;

const MODULUS: i64 = (1 << 31) - 1;
pub const PAIRS: i64 = 2;

/// A place that holds a value, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Location {
    Cell(i64),
    Half(i64, i64),
}
use Location::{Cell, Half};

/// What every location holds; a half of a pair that is not there holds 0.
pub type State = HashMap<Location, Option<i64>>;

/// A name and its operands.
pub type Instruction = (String, Vec<i64>);

/// What a transition reports.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    Ended(i64),
    Reverted,
    Fault(String),
}

/// How a program goes on after an instruction.
enum Next {
    Skip(i64),
    End(Outcome),
}

struct Machine<'a> {
    state: &'a State,
    cells: i64,
    accumulator: i64,
    writes: State,
}

/// Run the program of a position: what it reports, and what it has written.
pub fn run(
    program: &[Instruction],
    position: usize,
    state: &State,
    cells: i64,
) -> Result<(Outcome, State), String> {
    let accumulator = position as i64 + 1;
    let mut machine = Machine {
        state,
        cells,
        accumulator,
        writes: State::new(),
    };
    let mut at = 0;
    while let Some((name, operands)) = program.get(at) {
        match machine.execute(name, operands)? {
            Next::Skip(count) => at += 1 + count as usize,
            Next::End(outcome) => return Ok((outcome, State::new())),
        }
    }
    Ok((Outcome::Ended(machine.accumulator), machine.writes))
}

impl Machine<'_> {
    /// The value of a location: its own write before all else; nothing counts as 0.
    fn load(&self, location: Location) -> i64 {
        let found = self
            .writes
            .get(&location)
            .or_else(|| self.state.get(&location));
        found.copied().flatten().unwrap_or(0)
    }

    fn store(&mut self, location: Location, value: Option<i64>) {
        self.writes.insert(location, value);
    }

    fn mix(&mut self, number: i64) {
        self.accumulator = (self.accumulator * 31 + number + 7) % MODULUS;
    }

    fn execute(&mut self, name: &str, operands: &[i64]) -> Result<Next, String> {
        match (name, operands) {
            ("get", &[cell]) => self.mix(self.load(Cell(cell))),
            ("put", &[cell]) => self.store(Cell(cell), Some(self.accumulator)),
            ("blind", &[cell, number]) => self.store(Cell(cell), Some(number)),
            ("add", &[cell, number]) => {
                self.store(Cell(cell), Some((self.load(Cell(cell)) + number) % MODULUS));
            }
            ("copy", &[from, to]) => self.store(Cell(to), Some(self.load(Cell(from)))),
            ("delete", &[cell]) => self.store(Cell(cell), None),
            ("branch", &[cell, count]) if self.load(Cell(cell)) % 2 == 1 => {
                return Ok(Next::Skip(count));
            }
            ("revert", &[cell]) if self.load(Cell(cell)) % 2 == 1 => {
                return Ok(Next::End(Outcome::Reverted));
            }
            ("branch", &[_, _]) | ("revert", &[_]) => {}
            ("range", &[first, count]) => {
                let end = (first + count).min(self.cells);
                self.mix((first..end).map(|cell| self.load(Cell(cell))).sum());
            }
            ("indirect", &[cell]) => {
                let target = self.load(Cell(cell)) % self.cells;
                self.mix(self.load(Cell(target)));
            }
            ("pair", &[pair]) => {
                self.mix(pair);
                self.store(Half(pair, 0), Some(self.accumulator));
                self.store(Half(pair, 1), Some(self.accumulator));
            }
            ("check", &[pair]) => {
                let (left, right) = (self.load(Half(pair, 0)), self.load(Half(pair, 1)));
                if left != right {
                    let why = format!("pair {pair} holds {left} and {right}");
                    return Ok(Next::End(Outcome::Fault(why)));
                }
                self.mix(left);
            }
            _ => return Err(format!("no instruction: {name} with {operands:?}")),
        }
        Ok(Next::Skip(0))
    }
}
