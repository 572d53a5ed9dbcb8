-- Predictions are only ever added; readings are replaced by a newer reader's.
select
    (select count(*) from prediction where run_id = $run_id)
    || '-' || (
        select concat_ws('-', count(*), min(reader_version), max(reader_version))
        from answer_reading where run_id = $run_id
    )
