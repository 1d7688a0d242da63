// How an answer differs from what was expected, character by character.
'use strict';

(() => {
  const { h, t } = site;
  const MOST_CELLS = 2_000_000;
  const LONGEST = 20_000;
  const LEAST_ALIKE = 0.4;

  // Longest common subsequence of two lists: [kind, items] runs, where kind is 'same', 'gone' or 'new'.
  function runs(one, two) {
    let start = 0;
    while (start < one.length && start < two.length && one[start] === two[start]) start += 1;
    let end = 0;
    while (end < one.length - start && end < two.length - start && one[one.length - 1 - end] === two[two.length - 1 - end]) end += 1;
    const a = one.slice(start, one.length - end);
    const b = two.slice(start, two.length - end);
    const found = [];
    const add = (kind, items) => {
      if (!items.length) return;
      const last = found[found.length - 1];
      if (last && last[0] === kind) last[1].push(...items);
      else found.push([kind, items.slice()]);
    };
    add('same', one.slice(0, start));
    if (a.length * b.length > MOST_CELLS) {
      add('gone', a);
      add('new', b);
    } else {
      const width = b.length + 1;
      const table = new Uint16Array((a.length + 1) * width);
      for (let i = a.length - 1; i >= 0; i -= 1) {
        for (let j = b.length - 1; j >= 0; j -= 1) {
          table[i * width + j] = a[i] === b[j] ? table[(i + 1) * width + j + 1] + 1 : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
        }
      }
      let [i, j] = [0, 0];
      while (i < a.length || j < b.length) {
        if (i < a.length && j < b.length && a[i] === b[j]) { add('same', [a[i]]); i += 1; j += 1; }
        else if (i < a.length && (j >= b.length || table[(i + 1) * width + j] >= table[i * width + j + 1])) { add('gone', [a[i]]); i += 1; }
        else { add('new', [b[j]]); j += 1; }
      }
    }
    add('same', one.slice(one.length - end));
    return found;
  }

  // Letters where that is quick enough, words where texts are long.
  site.difference = (gold, answer) => {
    const [one, two] = [gold.slice(0, LONGEST), answer.slice(0, LONGEST)];
    const letters = [Array.from(one), Array.from(two)];
    const found = letters[0].length * letters[1].length <= MOST_CELLS ? runs(...letters) : runs(one.split(/(\s+)/), two.split(/(\s+)/));
    const told = found.map(([kind, items]) => [kind, items.join('')]);
    // Of texts that have little in common, the letters that they happen to share tell nothing.
    return 2 * kept(told) >= LEAST_ALIKE * (one.length + two.length) ? told : [['gone', one], ['new', two]].filter(([, text]) => text);
  };

  const kept = (found) => found.reduce((sum, [kind, text]) => sum + (kind === 'same' ? text.length : 0), 0);

  const shared = (one, two) => runs(Array.from(one), Array.from(two)).reduce((sum, [kind, items]) => sum + (kind === 'same' ? items.length : 0), 0);

  // Of several accepted answers, the one that shares most with what was said.
  site.nearest = (references, answer) => {
    if (references.length < 2) return references[0];
    const short = answer.slice(0, 400);
    const likeness = references.map((each) => (each === answer ? Infinity : (2 * shared(each.slice(0, 400), short)) / (each.length + short.length || 1)));
    return references[likeness.indexOf(Math.max(...likeness))];
  };

  // The difference as text: what is missing is struck through, what is too much is underlined.
  site.marked = (gold, answer, answerOnly) => {
    if (gold === answer) return site.said(answer, { class: 'diff' });
    const most = answer.length > LONGEST ? h('span', { class: 'nothing' }, ' ', t('diff.cut', { n: site.whole(LONGEST) })) : null;
    return h('span', { class: 'diff said', dir: 'auto' }, site.difference(gold, answer).map(([kind, text]) => {
      if (kind === 'same') return text;
      if (kind === 'gone' && answerOnly) return null;
      const shown = /^\s+$/.test(text) ? text.replace(/ /g, '·').replace(/\n/g, '⏎\n') : text;
      return kind === 'gone' ? h('del', { title: t('diff.gone') }, shown) : h('ins', { title: t('diff.new') }, shown);
    }), most);
  };
})();
