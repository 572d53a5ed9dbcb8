-- An inverted index over words, kept by the functions that add items and predictions; the module
-- db/search.py fills what is missing when the file is opened.

-- The words of a text: runs of letters and digits, lower case, without accents, each once.
create macro search_words(text_of) as
    list_distinct(regexp_extract_all(lower(strip_accents(replace(text_of, chr(0), ' '))), '[\p{L}\p{N}]+'));

create sequence search_item_sequence;
create table search_item (
    item_number integer primary key default nextval('search_item_sequence'),
    item_id varchar not null
);

create sequence search_run_sequence;
create table search_run (
    run_number integer primary key default nextval('search_run_sequence'),  -- from 1
    run_id varchar not null unique
);

create sequence search_answer_sequence;
create table search_answer (            -- the answers that are in the index
    answer_number bigint not null default nextval('search_answer_sequence'),
    run_number integer not null,
    item_number integer not null
);

-- Rows of one write lie sorted by word, so that a look-up reads a few blocks of each write.
create table search_posting (
    word varchar not null,
    run_number integer not null,        -- 0: the item's own texts
    item_number integer not null
);
