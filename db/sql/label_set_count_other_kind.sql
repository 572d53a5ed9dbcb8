-- How many items of a label set have several right labels where it says one, or the other way round.
select count(*) from every_item where label_set = $name and is_several <> $is_several
