// The frame: language, light and dark, and which page an address means.
'use strict';

(() => {
  const { h, t } = site;
  const root = document.documentElement;
  const main = document.getElementById('main');
  let shown = 0;

  function startLanguage() {
    const asked = site.route().query.lang || site.setting('language') || (navigator.language || 'en').slice(0, 2);
    site.language = asked in site.languages ? asked : 'en';
    root.lang = site.language;
  }

  function setLanguage(language) {
    site.setting('language', language);
    site.language = language;
    root.lang = language;
    const { parts, query } = site.route();
    // Where nothing can be kept, the address keeps it.
    if (site.setting('language') !== language || query.lang) site.remember(parts, { ...query, lang: language });
    frame();
    document.querySelector('.settings select').focus();
    site.show();
  }

  const themes = ['auto', 'light', 'dark'];
  function setTheme(theme) {
    site.setting('theme', theme);
    if (theme === 'auto') delete root.dataset.theme;
    else root.dataset.theme = theme;
  }

  function frame() {
    document.getElementById('skip').textContent = t('skip');
    // Links and not a select, which would go to a page at each press of an arrow key.
    const choose = h('details', { class: 'menu' }, h('summary', {}, t('datasets')), h('ul', {}, site.index.datasets.map((each) => h('li', {}, site.link(each.name, ['dataset', each.name])))));
    choose.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') { choose.open = false; choose.querySelector('summary').focus(); }
    });
    document.getElementById('top').replaceChildren(
      h('a', { class: 'brand', href: '#/' }, 'vlmbench'),
      h('div', { class: 'settings' }, choose,
        site.select(t('language'), Object.entries(site.languages), site.language, setLanguage),
        site.select(t('theme'), themes.map((each) => [each, t(`theme.${each}`)]), root.dataset.theme || 'auto', setTheme)));
    document.getElementById('foot').replaceChildren(h('p', {}, t('foot', { version: site.index.version })));
  }

  site.show = async () => {
    const turn = (shown += 1);
    const { parts: [kind = '', ...parts], query } = site.route();
    main.setAttribute('aria-busy', 'true');
    let made;
    try {
      const page = site.pages[kind || 'overview'];
      made = Object.hasOwn(site.pages, kind || 'overview') ? await page(parts, query) : null;
    } catch (error) {
      made = { title: t('lost.title'), page: [h('h1', {}, t('lost.title')), h('p', {}, t('lost.data', { file: error.message }))] };
    }
    if (turn !== shown) return;
    made = made || { title: t('lost.title'), page: [h('h1', {}, t('lost.title')), h('p', {}, t('lost.page')), h('p', {}, site.link(t('overview'), []))] };
    document.title = made.title === t('overview') ? `vlmbench · ${made.title}` : `${made.title} · vlmbench`;
    main.replaceChildren(...made.page.flat(Infinity).filter(Boolean));
    main.removeAttribute('aria-busy');
    main.dataset.shown = location.hash || '#/';
  };

  function keys(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest('input, select, textarea, .scroll, pre')) return;
    const link = { ArrowLeft: 'previous', ArrowRight: 'next' }[event.key];
    const found = link && document.getElementById(link);
    if (found) { event.preventDefault(); found.click(); }
  }

  window.addEventListener('hashchange', async () => {
    document.querySelector('.menu').open = false;
    await site.show();
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  });
  window.addEventListener('keydown', keys);
  document.getElementById('skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });

  startLanguage();
  setTheme(themes.includes(site.setting('theme')) ? site.setting('theme') : 'auto');
  site.load('index').then((index) => { site.index = index; frame(); return site.show(); }, (error) => {
    main.replaceChildren(h('h1', {}, t('lost.title')), h('p', {}, t('lost.data', { file: error.message })));
  });
})();
