-- What the features of labelled items depend on: changes with items, their versions and label sets, and
-- with every 50 judgements, which may have given items their first label.
select
    (select count(*) from item),
    (select count(*) from item_version),
    (select count(*) from label_set),
    (select count(*) from annotation) // 50 + (select count(*) from adjudication) // 50
