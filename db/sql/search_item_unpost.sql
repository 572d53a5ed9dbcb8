-- Take the words of items out of the index whose texts have changed; those of answers stay.
delete from search_posting
where run_number = 0 and item_number in (select unnest($numbers::integer[]))
