//! A sequential interpreter of key-value programs: one block as JSON on standard input, its result
//! as JSON on standard output.

mod json;
mod machine;

use std::io::Read;

use json::Json;
use machine::{run, Instruction, Location, Outcome, State, PAIRS};

fn main() {
    let mut text = String::new();
    let read = std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| error.to_string());
    match read.and_then(|_| execute(&text)) {
        Ok(result) => println!("{result}"),
        Err(problem) => {
            eprintln!("{problem}");
            std::process::exit(2);
        }
    }
}

fn execute(text: &str) -> Result<String, String> {
    let file = Json::parse(text)?;
    if file.field("pel")?.text()? != "programs" || file.field("version")?.number()? != 1 {
        return Err("not a file of programs, version 1".into());
    }
    let block = file.field("block")?;
    let initial = block.field("initial")?.elements()?;
    let cells = initial.len() as i64;
    let mut state = State::new();
    for (number, value) in initial.iter().enumerate() {
        state.insert(Location::Cell(number as i64), Some(value.number()?));
    }
    let mut outcomes = Vec::new();
    for (position, program) in block.field("programs")?.elements()?.iter().enumerate() {
        let (outcome, writes) = run(&instructions(program)?, position, &state, cells)?;
        state.extend(writes);
        outcomes.push(outcome_json(&outcome));
    }
    let cells: Vec<String> = (0..cells)
        .map(|cell| value(&state, Location::Cell(cell)))
        .collect();
    let pairs: Vec<String> = (0..PAIRS).map(|pair| pair_json(&state, pair)).collect();
    let (cells, pairs, outcomes) = (cells.join(","), pairs.join(","), outcomes.join(","));
    Ok(format!(
        r#"{{"cells":[{cells}],"pairs":[{pairs}],"outcomes":[{outcomes}]}}"#
    ))
}

fn instructions(program: &Json) -> Result<Vec<Instruction>, String> {
    let instruction = |parts: &Json| {
        let (name, operands) = parts
            .elements()?
            .split_first()
            .ok_or("an empty instruction")?;
        let numbers = operands
            .iter()
            .map(Json::number)
            .collect::<Result<_, _>>()?;
        Ok((name.text()?.to_string(), numbers))
    };
    program.elements()?.iter().map(instruction).collect()
}

fn value(state: &State, location: Location) -> String {
    match state.get(&location) {
        Some(None) => "null".into(),
        Some(Some(number)) => number.to_string(),
        None => "0".into(),
    }
}

fn pair_json(state: &State, pair: i64) -> String {
    let [left, right] = [0, 1].map(|side| value(state, Location::Half(pair, side)));
    format!("[{left},{right}]")
}

fn outcome_json(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Ended(accumulator) => format!(r#"["ended",{accumulator}]"#),
        Outcome::Reverted => r#"["reverted"]"#.into(),
        Outcome::Fault(why) => format!(r#"["fault","{why}"]"#),
    }
}
