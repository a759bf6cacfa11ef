// The time axis of a waterfall: map moments to places, compressing idle time where it is left out.
const SLIVER = 0.02; // of the axis, for each idle time

export class Axis {
  // Times are milliseconds; `idle` are pairs of start and length, in order.
  constructor(length, idle = []) {
    const left = Math.max(1, length - idle.reduce((sum, [, lasts]) => sum + lasts, 0));
    const sliver = (left * SLIVER) / (1 - Math.min(0.5, SLIVER * idle.length));
    this.pieces = [];
    let at = 0, place = 0;
    const add = (end, size, isIdle) => {
      if (end > at || isIdle) this.pieces.push({ begins: at, ends: end, from: place, to: place + size, isIdle });
      place += size; at = end;
    };
    for (const [start, lasts] of idle) {
      add(start, start - at, false);
      add(start + lasts, sliver, true);
    }
    add(Math.max(at, length), Math.max(0, length - at), false);
    if (!this.pieces.length) add(1, 1, false);
    this.end = Math.max(place, 0.001);
  }

  place(ms) {
    const piece = this.pieces.find((one) => ms < one.ends) || this.pieces[this.pieces.length - 1];
    return piece.from + ((ms - piece.begins) / ((piece.ends - piece.begins) || 1)) * (piece.to - piece.from);
  }

  time(place) {
    const piece = this.pieces.find((one) => place < one.to) || this.pieces[this.pieces.length - 1];
    return piece.begins + ((place - piece.from) / ((piece.to - piece.from) || 1)) * (piece.ends - piece.begins);
  }

  // Moments to write between two places: round ones, no nearer to each other than `apart`; none in idle time.
  ticks(from, to, apart) {
    const power = 10 ** Math.floor(Math.log10(apart)), step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= apart);
    const found = [];
    for (const piece of this.pieces) {
      if (piece.isIdle || piece.to < from || piece.from > to) continue;
      const first = piece.begins + Math.max(0, from - piece.from), last = piece.ends - Math.max(0, piece.to - to);
      for (let at = Math.ceil(first / step) * step; at <= last; at += step) found.push(at);
    }
    return found;
  }
}

export function lasting(ms) {
  if (ms < 1000) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 120000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000), hours = Math.floor(seconds / 3600), minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`;
}
