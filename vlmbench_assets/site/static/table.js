// A table that sorts by any column, by real buttons, and can be filtered by text.
'use strict';

(() => {
  const { h, t, known } = site;
  // So few rows are seen at a glance.
  const FEW = 6;

  function order(column, down) {
    return (one, two) => {
      const [a, b] = [column.value(one), column.value(two)];
      if (!known(a) || a === '') return known(b) && b !== '' ? 1 : 0;
      if (!known(b) || b === '') return -1;
      const found = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), site.language, { numeric: true });
      return down ? -found : found;
    };
  }

  // A name such as `class_accuracy` may go on in the next line.
  site.broken = (label) => String(label).split(/(?<=_)/).flatMap((part) => [part, h('wbr')]).slice(0, -1);

  // columns: {key, label, title, value(row), cell(row), numeric, down, heat(row)}; without `value` it cannot be sorted by.
  site.table = ({ caption, columns, rows, sort, filter, rowHeader, className }) => {
    let [key, down] = sort || ['', false];
    let asked = '';
    const body = h('tbody');
    const heads = new Map();

    function draw() {
      const column = columns.find((each) => each.key === key);
      const words = asked.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      let shown = words.length
        ? rows.filter((row) => { const text = filter(row).toLocaleLowerCase(); return words.every((word) => text.includes(word)); })
        : rows.slice();
      if (column) shown = shown.map((row, at) => [row, at]).sort(([a, i], [b, j]) => order(column, down)(a, b) || i - j).map(([row]) => row);
      body.replaceChildren(...shown.map((row) => h('tr', {}, columns.map((each) => {
        const name = each.key === rowHeader ? 'th' : 'td';
        const { style, class: more } = each.heat ? { ...each.heat(row), class: 'heat' } : {};
        return h(name, { scope: name === 'th' ? 'row' : null, style, class: [each.numeric ? 'number' : '', more || '', each.className || ''].join(' ').trim() || null }, each.cell(row));
      }))));
      if (!shown.length) body.append(h('tr', {}, h('td', { colspan: columns.length, class: 'nothing' }, t('nothing.found'))));
      for (const [name, head] of heads) head.setAttribute('aria-sort', name === key ? (down ? 'descending' : 'ascending') : 'none');
      return shown.length;
    }

    function sortBy(column) {
      if (column.key === key) down = !down;
      else [key, down] = [column.key, Boolean(column.down)];
      draw();
      site.announce(t(down ? 'sorted.down' : 'sorted.up', { column: column.label }));
    }

    const head = h('tr', {}, columns.map((column) => {
      const cell = h('th', { scope: 'col', class: [column.numeric ? 'number' : '', column.className || ''].join(' ').trim() || null },
        column.value ? h('button', { type: 'button', class: 'sort', title: column.title, onclick: () => sortBy(column) }, h('span', {}, site.broken(column.label))) : site.broken(column.label), column.below);
      if (column.value) heads.set(column.key, cell);
      return cell;
    }));
    const table = h('table', { class: className }, h('caption', { class: 'unseen' }, caption), h('thead', {}, head), body);
    draw();
    const box = site.scroll(t('table.of', { caption }), table);
    if (!filter || rows.length < FEW) return box;
    return h('div', {}, h('div', { class: 'controls' },
      site.search(t('filter'), '', (text) => { asked = text; site.announce(site.count('rows', draw())); })), box);
  };
})();
