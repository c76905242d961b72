-- A second full-text index, for scripts that put no space between words: store/unspaced.py says what it holds of a text.
-- Texts without such a script aren't in it. It holds no texts and reads none: what goes in and out is computed. Marks
-- belong to words, because vowels of these scripts are marks. A fact `indexed_unspaced` says how far it has come:
-- messages from before are taken in in the background.
CREATE VIRTUAL TABLE unspaced USING fts5 (
    text, room,
    content = '',
    tokenize = "unicode61 remove_diacritics 2 categories 'L* N* Co M*'", prefix = '1'
);
