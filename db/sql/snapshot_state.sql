-- What a snapshot that a viewer may see depends on: the items hidden from them, the vetoes, and all else.
-- Counts of tables that are only appended to are free; items may also be completed where they are.
select
    (
        select count(*) || '-' || coalesce(bit_xor(hash(item_id)), 0)
        from (select distinct item_id from scratch.hidden_item($viewer))
    ) as hidden,
    (select count(*) from record_veto) as num_vetoes,
    concat_ws(
        '-',
        (select bit_xor(hash(content_hash)) from item),
        (select count(*) from label_set),
        (select count(*) from annotation),
        (select count(*) from adjudication),
        (select count(*) from stored_prediction),
        (select count(*) from answer_reading)
    ) as content,
    (select count(*) from item) as num_items
