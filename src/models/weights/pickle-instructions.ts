import { narrow, type PickleMachine } from './pickle-machine.ts';
import type { PickleValue } from './pickle-value.ts';

export type Instruction = (machine: PickleMachine) => void;

/** The text of a number, as protocol 0 has it. */
function parseNumber(machine: PickleMachine, text: string): PickleValue {
  if (text === '00') return false;
  if (text === '01') return true;
  const digits = text.replace(/L$/, '');
  if (!/^-?\d{1,100}$/.test(digits)) throw machine.corrupt('a number in it is none');
  return narrow(BigInt(digits));
}

/** A quoted text of protocol 0; what is escaped in it stays as it is. */
function unquote(machine: PickleMachine, text: string): string {
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
    throw machine.corrupt('a text in it has no quotes');
  }
  return text.slice(1, -1);
}

/** Instructions by their byte, with their names in `pickletools.py`. */
export const INSTRUCTIONS: ReadonlyMap<number, Instruction> = new Map<number, Instruction>([
  [0x80, (m) => void m.unsigned(1)], // PROTO
  [0x95, (m) => void m.length8()], // FRAME

  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4a, (m) => m.push(m.int32())], // BININT
  [0x4b, (m) => m.push(m.unsigned(1))], // BININT1
  [0x4d, (m) => m.push(m.unsigned(2))], // BININT2
  [0x8a, (m) => m.push(m.integer(m.unsigned(1)))], // LONG1
  [0x8b, (m) => m.push(m.integer(m.unsigned(4)))], // LONG4
  [0x47, (m) => m.push(m.double())], // BINFLOAT
  [0x49, (m) => m.push(parseNumber(m, m.line()))], // INT
  [0x4c, (m) => m.push(parseNumber(m, m.line()))], // LONG
  [0x46, (m) => m.push(Number(m.line()))], // FLOAT

  [0x8c, (m) => m.push(m.text(m.unsigned(1)))], // SHORT_BINUNICODE
  [0x58, (m) => m.push(m.text(m.unsigned(4)))], // BINUNICODE
  [0x8d, (m) => m.push(m.text(m.length8()))], // BINUNICODE8
  [0x55, (m) => m.push(m.latin1(m.unsigned(1)))], // SHORT_BINSTRING
  [0x54, (m) => m.push(m.latin1(m.unsigned(4)))], // BINSTRING
  [0x53, (m) => m.push(unquote(m, m.line()))], // STRING
  [0x56, (m) => m.push(m.line())], // UNICODE
  [0x43, (m) => m.push(m.binary(m.unsigned(1)))], // SHORT_BINBYTES
  [0x42, (m) => m.push(m.binary(m.unsigned(4)))], // BINBYTES
  [0x8e, (m) => m.push(m.binary(m.length8()))], // BINBYTES8

  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => m.discard()], // POP
  [0x31, (m) => void m.popToMark()], // POP_MARK
  [0x32, (m) => m.push(m.peek())], // DUP
  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x74, (m) => m.push(m.popToMark())], // TUPLE
  [0x6c, (m) => m.push(m.popToMark())], // LIST
  [0x85, (m) => m.push(m.popMany(1))], // TUPLE1
  [0x86, (m) => m.push(m.popMany(2))], // TUPLE2
  [0x87, (m) => m.push(m.popMany(3))], // TUPLE3
  [0x61, (m) => m.append(m.popMany(1))], // APPEND
  [0x65, (m) => m.append(m.popToMark())], // APPENDS
  [0x73, (m) => m.setItems(m.popMany(2))], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  [
    0x64, // DICT
    (m) => {
      const pairs = m.popToMark();
      m.push(new Map());
      m.setItems(pairs);
    },
  ],

  [0x71, (m) => m.remember(m.unsigned(1))], // BINPUT
  [0x72, (m) => m.remember(m.unsigned(4))], // LONG_BINPUT
  [0x70, (m) => m.remember(Number(m.line()))], // PUT
  [0x94, (m) => m.remember()], // MEMOIZE
  [0x68, (m) => m.recall(m.unsigned(1))], // BINGET
  [0x6a, (m) => m.recall(m.unsigned(4))], // LONG_BINGET
  [0x67, (m) => m.recall(Number(m.line()))], // GET

  [0x63, (m) => m.push(m.find(m.line(), m.line()))], // GLOBAL
  [
    0x93, // STACK_GLOBAL
    (m) => {
      const name = m.popText();
      m.push(m.find(m.popText(), name));
    },
  ],
  [
    0x69, // INST: names and calls at once
    (m) => {
      const callee = m.find(m.line(), m.line());
      m.call(callee, m.popToMark());
    },
  ],
  [
    0x52, // REDUCE
    (m) => {
      const args = m.pop();
      m.call(m.pop(), args);
    },
  ],
  [
    0x81, // NEWOBJ
    (m) => {
      const args = m.pop();
      m.call(m.pop(), args);
    },
  ],
  [0x62, (m) => m.build()], // BUILD
  [0x51, (m) => m.persistent()], // BINPERSID
]);
