// Packs and parameters whose argument is known only while printing: which node
// they stand for now, and what its declarator looks like.
import {
  ARGUMENT_PACK, ARRAY, AUTO, EXTRA_SHIFT, FOREIGN, FORWARD, FUNCTION, HAS_RIGHT, IS_ARRAY, IS_DYNAMIC, IS_FUNCTION, KIND_MASK, LVALUE_REF, MEMBER_POINTER, PACK_ELEMENT, PARAMETER_TYPE, POINTER, QUALIFIED, RVALUE_REFERENCE,
  SHAPE_MASK, VENDOR_QUALIFIED,
} from "./node-kinds.ts";
import { SEARCHING, type Output } from "../output.ts";
import { parser } from "../parser.ts";

const { nodes, lists } = parser;

/** What `node` stands for: the element of a pack, the argument of a parameter; itself when it stands for itself, 0 for nothing. */
export function argumentElement(o: Output, node: number): number {
  switch (nodes[node]! & KIND_MASK) {
    case PARAMETER_TYPE:
      if (o.isForeign && o.lambdaDepth > 0) return node;
      return foreignArgument(o, nodes[node + 3]!, nodes[node + 2]!) || nodes[node + 1]!;
    case FOREIGN: {
      const inner = nodes[node + 1]!;
      const kind = nodes[inner]! & KIND_MASK;
      if (kind !== PARAMETER_TYPE && kind !== PACK_ELEMENT) return node;
      const { isForeign } = o;
      o.isForeign = true;
      const argument = argumentElement(o, inner);
      o.isForeign = isForeign;
      return argument === inner ? node : argument;
    }
    case PACK_ELEMENT: {
      if (o.isForeign && o.lambdaDepth > 0) return node;
      const foreign = foreignArgument(o, nodes[node + 3]!, nodes[node]! >>> EXTRA_SHIFT);
      return foreign === 0 ? packElement(o, nodes[node + 1]!, nodes[node + 2]!) : foreign;
    }
    case ARGUMENT_PACK:
      return packElement(o, nodes[node + 1]!, nodes[node + 2]!);
    case FORWARD:
      return nodes[node + 1]!;
    case AUTO: {
      const index = nodes[node + 1]!;
      if (o.lambdaDepth > 0) return node;
      return index < o.scopeCount ? lists[o.scopeStart + index]! : node;
    }
    default:
      return node;
  }
}

/** The present function's own argument for another's parameter inside a substitution; 0 elsewhere. */
function foreignArgument(o: Output, scope: number, index: number): number {
  if (!o.isForeign || scope === o.scope || index >= o.scopeCount) return 0;
  return lists[o.scopeStart + index]!;
}

function packElement(o: Output, start: number, count: number): number {
  if (o.packIndex === SEARCHING) {
    o.packIndex = 0;
    o.packCount = count;
  }
  // Outside of any expansion one element stands for all, as GNU has it.
  const index = Math.max(o.packIndex, 0);
  return index < count ? lists[start + index]! : 0;
}

/** The node behind parameters and packs, one after the other; 0 for nothing. */
export function resolved(o: Output, from: number): number {
  let node = from;
  // A conversion operator's parameter may stand for itself in a hostile name.
  for (let steps = 0; steps < 64; steps++) {
    const next = argumentElement(o, node);
    if (next === node || next === 0) return next;
    node = next;
  }
  o.failed = true;
  return 0;
}

/** The shape bits of a type, with packs and parameters resolved. */
export function shape(o: Output, node: number): number {
  const tag = nodes[node]!;
  return (tag & IS_DYNAMIC) === 0 && !o.isForeign ? tag & SHAPE_MASK : dynamicShape(o, node);
}

function dynamicShape(o: Output, from: number): number {
  if (!o.enter()) return 0;
  const node = resolved(o, from);
  let bits = 0;
  switch (nodes[node]! & KIND_MASK) {
    case FUNCTION:
      bits = HAS_RIGHT | IS_FUNCTION;
      break;
    case ARRAY:
      bits = HAS_RIGHT | IS_ARRAY;
      break;
    case POINTER:
    case LVALUE_REF:
    case RVALUE_REFERENCE:
      bits = shape(o, nodes[node + 1]!) & HAS_RIGHT;
      break;
    case MEMBER_POINTER:
      bits = shape(o, nodes[node + 2]!) & HAS_RIGHT;
      break;
    case QUALIFIED:
    case VENDOR_QUALIFIED:
      bits = shape(o, nodes[node + 1]!);
      break;
    case FOREIGN: {
      const { isForeign } = o;
      o.isForeign = true;
      bits = shape(o, nodes[node + 1]!);
      o.isForeign = isForeign;
      break;
    }
    default:
  }
  o.leave();
  return bits;
}
