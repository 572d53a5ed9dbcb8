-- Changes whenever an annotation or a decision is added: what was computed before holds until then.
select
    (select coalesce(max(annotation_number), 0) from annotation),
    (select coalesce(max(adjudication_number), 0) from adjudication),
    (select count(*) from imported_item),
    (select count(*) from item_version),
    (select count(*) from set_aside)
