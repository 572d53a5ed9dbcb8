delete from open_mark
