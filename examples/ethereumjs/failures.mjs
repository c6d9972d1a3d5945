// What can go wrong with a run as a whole, with the exit codes that geth's tool has for it.

export const EXIT = { EVM: 2, CONFIG: 3, JSON: 10, IO: 11 }

/** The run gives no result: `status` is the exit code of the command. */
export class Failure extends Error {
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** The value of a field that must be there. */
export function required(object, name, where) {
  const value = object?.[name]
  if (value === undefined || value === null) {
    throw new Failure(EXIT.JSON, `${where}.${name} is missing`)
  }
  return value
}
