// A sequential interpreter of key-value programs: docs/formats/programs.md is all that it knows.
// One block as JSON on standard input, its result as JSON on standard output.

import { readFileSync } from 'node:fs'

const MODULUS = 2 ** 31 - 1
const PAIRS = 2

/** A transition while it runs: what it has written, and what it mixes its reads into. */
class Machine {
  constructor(state, position, cells) {
    this.state = state
    this.cells = cells
    this.accumulator = position + 1
    this.writes = new Map()
  }

  /** The value of a location: its own write before all else; nothing counts as 0. */
  load(location) {
    const from = this.writes.has(location) ? this.writes : this.state
    return from.get(location) ?? 0
  }

  mix(number) {
    // Below 2**53 at any size of block, so that doubles are exact.
    this.accumulator = (this.accumulator * 31 + number + 7) % MODULUS
  }
}

const cell = (number) => `cell ${number}`
const half = (pair, side) => `pair ${pair} ${side}`

/** What each instruction does. A number that is returned is how many instructions to skip, a list
 * the outcome, with which the transition ends and none of its writes counts. */
const INSTRUCTIONS = {
  get: (m, c) => m.mix(m.load(cell(c))),
  put: (m, c) => void m.writes.set(cell(c), m.accumulator),
  blind: (m, c, number) => void m.writes.set(cell(c), number),
  add: (m, c, number) => void m.writes.set(cell(c), (m.load(cell(c)) + number) % MODULUS),
  copy: (m, from, to) => void m.writes.set(cell(to), m.load(cell(from))),
  delete: (m, c) => void m.writes.set(cell(c), null),
  branch: (m, c, count) => (m.load(cell(c)) % 2 === 1 ? count : 0),
  revert: (m, c) => (m.load(cell(c)) % 2 === 1 ? ['reverted'] : 0),
  indirect: (m, c) => m.mix(m.load(cell(m.load(cell(c)) % m.cells))),
  range: (m, first, count) => {
    let sum = 0
    for (let c = first; c < Math.min(first + count, m.cells); c++) {
      sum += m.load(cell(c))
    }
    m.mix(sum)
  },
  pair: (m, p) => {
    m.mix(p)
    m.writes.set(half(p, 0), m.accumulator)
    m.writes.set(half(p, 1), m.accumulator)
  },
  check: (m, p) => {
    const [left, right] = [m.load(half(p, 0)), m.load(half(p, 1))]
    if (left !== right) {
      return ['fault', `pair ${p} holds ${left} and ${right}`]
    }
    m.mix(left)
  },
}

/** Run one program on the state that those before it have left. */
function run(program, position, state, cells) {
  const machine = new Machine(state, position, cells)
  for (let at = 0; at < program.length; at++) {
    const [name, ...operands] = program[at]
    const said = INSTRUCTIONS[name](machine, ...operands)
    if (Array.isArray(said)) {
      return said
    }
    at += said ?? 0
  }
  machine.writes.forEach((value, location) => state.set(location, value))
  return ['ended', machine.accumulator]
}

function execute({ initial, programs }) {
  const state = new Map(initial.map((value, number) => [cell(number), value]))
  const outcomes = programs.map((program, at) => run(program, at, state, initial.length))
  const pairs = Array.from({ length: PAIRS }, (_, p) =>
    [0, 1].map((side) => state.get(half(p, side)) ?? 0)
  )
  return { cells: initial.map((_, number) => state.get(cell(number))), pairs, outcomes }
}

const file = JSON.parse(readFileSync(0, 'utf8'))
if (file.pel !== 'programs' || file.version !== 1) {
  throw new Error('not a file of programs, version 1')
}
process.stdout.write(JSON.stringify(execute(file.block)) + '\n')
