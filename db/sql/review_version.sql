-- Differs whenever what a list of items depends on may have changed; counts of whole tables are free.
select
    (select count(*) from imported_item),
    (select count(*) from item_version),
    (select count(*) from set_aside),
    (select count(*) from stored_prediction),
    (select count(*) from answer_reading),
    (select count(*) from annotation),
    (select count(*) from adjudication),
    (select count(*) from review_event),
    (select count(*) from acceptance_event)
