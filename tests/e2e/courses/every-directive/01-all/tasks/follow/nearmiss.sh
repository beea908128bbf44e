echo shallow > ~/copied
